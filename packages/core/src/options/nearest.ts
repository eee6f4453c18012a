/**
 * The candidate with the smallest edit distance (Levenshtein 1966: insertions, deletions, substitutions; case is
 * ignored) from `name`, if at most a third of its letters, and at least one, would have to change; else the first that
 * begins with all of `name`, of at least four letters; else undefined.
 */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  if (best !== undefined || name.length < 4) return best;
  return candidates.find((candidate) => candidate.toLowerCase().startsWith(name.toLowerCase()));
}

function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substituted, above[j] + 1, row[j - 1] + 1));
    }
    above = row;
  }
  return above[b.length];
}
