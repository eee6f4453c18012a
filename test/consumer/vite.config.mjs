export default { build: { rollupOptions: { input: ['browser.html', 'reload.html'] } } };
