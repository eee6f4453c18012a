import type { Reporter, TestModule } from 'vitest/node';
import { findNative } from '../scripts/native.mjs';
import { findChromium, findVulkanDriver } from './chromium';
import { missingSlurm } from './slurm';

/** Says after a run what was not tested and why. */
export default class LeftOut implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const reasons = new Map<string, number>();
    for (const module of modules)
      for (const test of module.children.allTests('skipped')) {
        const result = test.result();
        const reason = ('note' in result && result.note) || test.fullName;
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      }
    const lines = [...reasons].map(([reason, count]) => `${count} test${count > 1 ? 's' : ''}: ${reason}`);
    const chromium = findChromium();
    if (!chromium) lines.push('everything in a browser: no Chromium found (install one or set CHROMIUM_PATH)');
    if (!findVulkanDriver(chromium))
      lines.push(
        'WebGPU in Node: no Vulkan driver and loader found (Chromium brings SwiftShader, libvulkan1 the loader; or set VK_ICD_FILENAMES)',
      );
    if (!findNative()) lines.push('the native backend: not set up (npm run native builds it on Linux x86-64)');
    const slurm = missingSlurm();
    if (slurm && !lines.some((line) => line.includes(slurm))) lines.push(slurm);
    console.log(lines.length ? `\nLeft out:\n  ${lines.join('\n  ')}` : '\nLeft out: nothing');
  }
}
