export const nativeFolder: string;
export function findNative(): string | undefined;
export function buildPythonStandIn(library: string, folder: string): void;
