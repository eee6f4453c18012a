/** The folder of the repository, put in by vitest.config.ts. */
declare const __ROOT__: string;
