import {
  LONG_WORK_OPTIONS,
  requireBooleans,
  requireCounts,
  requireKnownOptions,
  requireOneOf,
  requirePositive,
  requireSeed,
  requireTarget,
} from '@qgen/core';
import { SUBJECT_OPTIONS } from '../subject/options';

/** The options that every search takes. */
interface Shared {
  readonly magnitudeAware?: boolean;
  readonly target?: number;
  readonly epsilon?: number;
  readonly seed?: number;
  readonly batchSize?: number;
}

const SHARED = [
  'magnitudeAware',
  'target',
  'epsilon',
  'seed',
  'batchSize',
] as const satisfies readonly (keyof Shared)[];

/** The options of one kind of search. */
interface SearchKind<Key extends string, Protocol extends string> {
  /** The option that chooses the protocol, and the protocol where it is left out. */
  readonly key: Key;
  readonly preset: Protocol;
  /** The options that each protocol has for itself. */
  readonly protocols: Readonly<Record<Protocol, readonly string[]>>;
  /** Those of every protocol that other kinds of search don't have. */
  readonly others: readonly string[];
}

/**
 * Checks the options that all searches share, and that each is one of this kind of search and of its protocol.
 *
 * @throws RangeError for an option that is unknown, out of range or of another protocol; TypeError for one of another type
 */
export function requireSearchOptions<Key extends string, Protocol extends string>(
  caller: string,
  options: Shared & { readonly [K in Key]?: Protocol },
  { key, preset, protocols, others }: SearchKind<Key, Protocol>,
): void {
  const { [key]: given }: { readonly [K in Key]?: Protocol } = options ?? {};
  const chosen: Protocol = given === undefined ? preset : given;
  requireOneOf(caller, key, chosen, Object.keys(protocols));
  const elsewhere = Object.entries<readonly string[]>(protocols)
    .filter(([protocol]) => protocol !== chosen)
    .flatMap(([protocol, names]) => names.map((name) => [name, `${key}: '${protocol}'`]));
  const known = [...SUBJECT_OPTIONS, ...LONG_WORK_OPTIONS, ...SHARED, ...others, ...protocols[chosen]];
  requireKnownOptions(caller, options, known, Object.fromEntries(elsewhere));

  const { magnitudeAware, target = 0.1, epsilon = 1e-3, seed = 0, batchSize } = options;
  requireBooleans(caller, { magnitudeAware });
  requireTarget(caller, target);
  requirePositive(caller, { epsilon });
  requireSeed(caller, seed);
  requireCounts(caller, { batchSize });
}
