/** The style sheet of the report. */
export const STYLE = `
:root{color-scheme:light}
body{font:16px/1.5 system-ui,sans-serif;color:#222;background:#fff;margin:0}
main{max-width:1080px;margin:0 auto;padding:24px}
h1{font-size:1.9em;margin:.2em 0}h2{margin:1.8em 0 .4em;font-size:1.3em;border-bottom:1px solid #ddd}h3{margin:1.2em 0 .3em;font-size:1em}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.76em}th,td{padding:.3em .5em;text-align:right;white-space:nowrap;border-bottom:1px solid #e5e5e5}
thead th{border-bottom:2px solid #999}td:first-child,thead th:first-child{text-align:left}
td.better{background:#cfe8d8}td.worse{background:#f4d6c6}td.best{font-weight:bold;background:#cfe8d8}
.row{display:flex;flex-wrap:wrap;gap:12px;align-items:flex-start}
figure{margin:0}figure h2{font-size:.95em;border:0;margin:.4em 0 0}figcaption{font-size:.78em;color:#555}
.claims li{margin:.6em 0}.verdict{font-size:.78em;padding:.1em .6em;border-radius:1em;color:#fff;margin:0 .4em}
.notes{color:#555;font-size:.9em}
.shown,.shown-in-part{background:#1b7f4d}.not-shown{background:#777}.mixed{background:#8a6d00}.contradicted{background:#b3400e}
.samples td,.samples th{text-align:center;border:0}.samples th:first-child{text-align:right}
.samples img{width:56px;height:56px;image-rendering:pixelated;margin:1px}
.legend span{margin-right:.8em}.legend i{display:inline-block;width:.8em;height:.8em;border-radius:50%;margin-right:.3em}
footer{margin-top:2em;color:#666}`;
