import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const places = [
  ...(process.env.PATH ?? '')
    .split(':')
    .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name))),
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** The first Chromium of this machine (`CHROMIUM_PATH` overrides the search), or undefined. */
export function findChromium(): string | undefined {
  return process.env.CHROMIUM_PATH ?? places.find((place) => existsSync(place));
}

/**
 * The Vulkan driver for Dawn in Node: the one that `VK_ICD_FILENAMES` names, or Chromium's SwiftShader where the Vulkan
 * loader (Debian's libvulkan1) is installed to load it.
 */
export function findVulkanDriver(chromium: string | undefined): string | undefined {
  if (process.env.VK_ICD_FILENAMES) return process.env.VK_ICD_FILENAMES;
  const libraries = ['x86_64-linux-gnu', 'aarch64-linux-gnu', ''].map((folder) => join('/usr/lib', folder));
  const loaders = [...libraries, '/usr/lib64', '/usr/local/lib', ...(process.env.LD_LIBRARY_PATH ?? '').split(':')];
  if (!loaders.some((folder) => existsSync(join(folder, 'libvulkan.so.1')))) return undefined;
  const folders = ['/usr/lib/chromium', '/usr/lib/chromium-browser', ...(chromium ? [dirname(chromium)] : [])];
  return folders.map((folder) => join(folder, 'vk_swiftshader_icd.json')).find((file) => existsSync(file));
}
