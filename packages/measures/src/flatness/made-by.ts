import { version } from '../../package.json';

/** The package that made a report, and its version. */
export const MADE_BY = `@qgen/measures ${version}`;
