/** `npm run lab` serves the lab and opens it; with `--build` it writes the page as static files, for any host. */
import { relative } from 'node:path';
import { build, createServer } from 'vite';
import config from '../lab/vite.config';

const [option, ...others] = process.argv.slice(2);
if (others.length || (option !== undefined && option !== '--build')) {
  console.error(`lab: there is one option, --build, got ${process.argv.slice(2).join(' ')}`);
  process.exit(2);
}
if (option === '--build') {
  await build({ ...config, configFile: false });
  console.log(
    `The page is in ${relative('.', config.build.outDir)}: put these files on any web server, in any folder.`,
  );
} else {
  const server = await createServer({ ...config, configFile: false, server: { ...config.server, open: true } });
  await server.listen();
  server.printUrls();
}
