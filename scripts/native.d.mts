export const nativeFolder: string;
export function findNative(): string | undefined;
