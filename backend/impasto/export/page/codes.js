// The code of a mixture at a strength, as the command line has it.

/** What `codes` of a network hold, read from its JSON: by style its strengths and a code for each of them. */
export function readCodes({ length, styles }) {
  const read = ({ strengths, codes }) => {
    const bytes = Uint8Array.from(atob(codes), (letter) => letter.charCodeAt(0));
    const numbers = new Float32Array(bytes.buffer);
    return { strengths, codes: strengths.map((_, at) => numbers.subarray(at * length, (at + 1) * length)) };
  };
  return new Map(Object.entries(styles).map(([name, style]) => [name, read(style)]));
}

/**
 * The code of styles, each with its `name`, `title` and `weight`, at a strength from 0 to 1, and how much of the painting has to
 * show: below the gentlest strength that all of them have codes for, the photo shows through.
 */
export function codeOf(codes, styles, strength) {
  const known = styles.map(({ name, title, weight = 1 }) => {
    if (!codes.has(name)) throw new Error(`This network has no style ${title}. Choose the other one, or another style.`);
    return { weight, ...codes.get(name) };
  });
  const gentlest = Math.max(...known.map(({ strengths }) => strengths[0]));
  const painted = Math.max(strength, gentlest);
  const total = known.reduce((sum, { weight }) => sum + weight, 0);
  const code = new Float32Array(known[0].codes[0].length);
  for (const style of known) {
    for (const [one, share] of between(style, painted)) {
      const part = (share * style.weight) / total;
      for (let at = 0; at < code.length; at++) code[at] += part * one[at];
    }
  }
  return { code, opacity: strength / painted };
}

/** The codes between which a strength lies, with their shares. */
function between({ strengths, codes }, strength) {
  const above = strengths.findIndex((one) => one >= strength);
  if (above <= 0) return [[codes[Math.max(above, 0)], 1]];
  const share = (strength - strengths[above - 1]) / (strengths[above] - strengths[above - 1]);
  return [
    [codes[above - 1], 1 - share],
    [codes[above], share],
  ];
}
