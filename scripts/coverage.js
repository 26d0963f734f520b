// Names every line and branch of contracts/ that no test reached. usage: node scripts/coverage.js <lcov file>, from the project's root
const fs = require('fs');

// What no test can reach, and why: `file: text of the line`.
const EXCEPTIONS = {};

let file;
let missed = 0;
const miss = (line, what) => {
  const text = fs.readFileSync(file, 'utf8').split('\n')[line - 1].trim();
  const reason = EXCEPTIONS[`${file}: ${text}`];
  console.log(`${reason ? 'exception' : 'NOT REACHED'} ${file}:${line} ${what}: ${text}${reason ? ` (${reason})` : ''}`);
  if (!reason) ++missed;
};
for (const line of fs.readFileSync(process.argv[2], 'utf8').split('\n')) {
  const [key, value] = [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)];
  const fields = value.split(',');
  if (key === 'SF') file = value;
  if (key === 'DA' && fields[1] === '0') miss(Number(fields[0]), 'line');
  if (key === 'BRDA' && (fields[3] === '0' || fields[3] === '-')) miss(Number(fields[0]), `branch ${fields[1]}.${fields[2]}`);
}
console.log(missed === 0 ? 'every line and branch of contracts/ is reached, but for the exceptions' : `${missed} lines and branches are not reached`);
process.exitCode = missed === 0 ? 0 : 1;
