/** The key that an object of valid JSON text has twice, or undefined. `JSON.parse` keeps the last without a word. */
export function repeatedKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  let last = '';
  // In valid JSON a colon outside of a string follows a key.
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}:]/gs)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (token !== ':') last = token;
    else {
      const key = JSON.parse(last) as string;
      const keys = open.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}
