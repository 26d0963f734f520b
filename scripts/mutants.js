// Every change of one place of a Solidity source that a test should notice, found in the compiler's syntax tree.
// A mutant is {start, length, text}: bytes of the source, and what replaces them. Some do not compile; some change nothing.

const COMPARISONS = { '<': ['<=', '>='], '<=': ['<', '>'], '>': ['>=', '<='], '>=': ['>', '<'], '==': ['!='], '!=': ['=='] };
const ARITHMETIC = { '+': ['-'], '-': ['+'], '*': ['/'], '/': ['*'], '%': ['*'], '&': ['|'], '|': ['&'], '^': ['&'], '<<': ['>>'], '>>': ['<<'] };
const ASSIGNMENTS = { '+=': ['-=', '='], '-=': ['+=', '='], '|=': ['&=', '='], '&=': ['|=', '='] };

const STATEMENTS = ['ExpressionStatement', 'EmitStatement', 'RevertStatement', 'Continue', 'YulExpressionStatement', 'YulAssignment'];

const typeOf = (node) => node?.typeDescriptions?.typeString;

// members(name): the members of an enum or struct, in order, as {name, typeString}.
function mutantsOf(ast, source, members) {
  const found = [];
  const range = (node) => node.src.split(':').map(Number);
  const text = (node) => source.subarray(range(node)[0], range(node)[0] + range(node)[1]).toString();
  let scope = '';

  const replace = (node, replacement) => {
    const [start, length] = range(node);
    found.push({ in: scope, start, length, text: replacement });
  };

  // The operator stands between two nodes; there may be brackets around it.
  const replaceBetween = (left, right, operator, replacements) => {
    const start = range(left)[0] + range(left)[1];
    const at = source.subarray(start, range(right)[0]).indexOf(operator);
    for (const replacement of replacements ?? []) found.push({ in: scope, start: start + at, length: operator.length, text: replacement });
  };

  const condition = (node) => {
    if (node) ['true', 'false'].forEach((value) => replace(node, value));
  };

  // One neighbour in each direction: what is taken for it is most often the one next to it.
  const neighbours = (node, name, list, type) => {
    const same = list.filter((member) => member.typeString === type).map((member) => member.name);
    const at = same.indexOf(name);
    for (const step of [1, same.length - 1]) {
      const other = same[(at + step) % same.length];
      if (at >= 0 && other !== name) replace(node, text(node).slice(0, -name.length) + other);
    }
  };

  const visitors = {
    BinaryOperation(node) {
      const { operator, leftExpression: left, rightExpression: right } = node;
      replaceBetween(left, right, operator, COMPARISONS[operator] ?? ARITHMETIC[operator]);
      if (operator === '&&' || operator === '||') {
        replaceBetween(left, right, operator, [operator === '&&' ? '||' : '&&']);
        [left, right].forEach((side) => replace(node, `(${text(side)})`));
      }
    },
    UnaryOperation(node) {
      if (node.operator === '!') replace(node, `(${text(node.subExpression)})`);
      if (node.operator === '++' || node.operator === '--') replace(node, text(node).replace(node.operator, node.operator === '++' ? '--' : '++'));
    },
    Assignment(node) {
      replaceBetween(node.leftHandSide, node.rightHandSide, node.operator, ASSIGNMENTS[node.operator]);
    },
    IfStatement: (node) => condition(node.condition),
    Conditional: (node) => condition(node.condition),
    ForStatement: (node) => node.condition && replace(node.condition, 'false'),
    Return(node) {
      if (typeOf(node.expression) === 'bool') condition(node.expression);
      if (!node.expression) replace(node, '');
    },
    Literal(node) {
      // address(1) is a precompile: it can be no party, so nothing tells it from 0.
      if (source.subarray(0, range(node)[0]).toString().endsWith('address(')) return;
      if (node.kind === 'number' && /^[\d_]+$/.test(node.value)) {
        const value = BigInt(node.value.replaceAll('_', ''));
        const unit = node.subdenomination ? ` ${node.subdenomination}` : '';
        [value + 1n, value - 1n].filter((other) => other >= 0n).forEach((other) => replace(node, other + unit));
      }
      if (node.kind === 'bool') replace(node, String(node.value !== 'true'));
    },
    YulLiteral(node) {
      if (node.kind === 'number') [1, -1, 32, -32].filter((by) => Number(node.value) + by >= 0).forEach((by) => replace(node, String(Number(node.value) + by)));
    },
    MemberAccess(node) {
      const owner = typeOf(node.expression) ?? '';
      if (owner === 'msg' && node.memberName === 'sender') ['tx.origin', 'address(this)'].forEach((other) => replace(node, other));
      if (owner === 'block' && node.memberName === 'timestamp') ['(block.timestamp + 1)', '(block.timestamp - 1)'].forEach((other) => replace(node, other));
      const type = owner.match(/^(?:struct|type\(enum) ([\w.]+)/)?.[1];
      if (type) neighbours(node, node.memberName, members(type), owner.startsWith('struct') ? typeOf(node) : undefined);
    },
    FunctionCall(node) {
      if (typeOf(node.expression)?.startsWith('function')) {
        node.arguments.slice(1).forEach((right, i) => {
          const left = node.arguments[i];
          if (typeOf(left) !== typeOf(right) || text(left) === text(right)) return;
          const [start] = range(left);
          const end = range(right)[0] + range(right)[1];
          const between = source.subarray(start + range(left)[1], range(right)[0]).toString();
          found.push({ in: scope, start, length: end - start, text: text(right) + between + text(left) });
        });
      }
      if (node.expression.name === 'require') condition(node.arguments[0]);
    },
    FunctionCallOptions: (node) => replace(node, text(node.expression)),
    ModifierInvocation: (node) => node.kind === 'modifierInvocation' && replace(node, ''),
  };

  const visit = (node) => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (!node || typeof node !== 'object') return;
    const outer = scope;
    if (node.nodeType === 'FunctionDefinition') scope = node.name || node.kind;
    if (node.nodeType === 'VariableDeclaration' && node.stateVariable) scope = node.name;
    // A statement's range ends before its semicolon, or with it; empty braces stand wherever a statement may.
    if (STATEMENTS.includes(node.nodeType)) {
      const [start, length] = range(node);
      const semicolon = !node.nodeType.startsWith('Yul') && source[start + length] === 0x3b ? 1 : 0;
      found.push({ in: scope, start, length: length + semicolon, text: '{}' });
    }
    visitors[node.nodeType]?.(node);
    for (const [key, child] of Object.entries(node)) if (key !== 'documentation') visit(child);
    scope = outer;
  };
  visit(ast);
  return found;
}

module.exports = { mutantsOf };
