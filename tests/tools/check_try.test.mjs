// The check must find a TRY wherever g++ 12 would leak, and leave every safe use alone.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, mkdirSync, writeFileSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join, dirname } from 'node:path';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

const check = join(dirname(fileURLToPath(import.meta.url)), '../../tools/check_try');

function verdict(code) {
  const folder = mkdtempSync(join(tmpdir(), 'faceforge-try-'));
  mkdirSync(join(folder, 'src/nn'), { recursive: true });
  writeFileSync(join(folder, 'src/nn/a.cpp'), code);
  const run = spawnSync(process.execPath, [check, folder], { encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  return { passed: run.status === 0, text: run.stdout + run.stderr };
}

const inFunction = (statement) => `namespace a {\nResult<void> f(int n) {\n  ${statement}\n}\n}  // namespace a\n`;

for (const [name, code] of [
  ['a whole initializer', inFunction('const auto a = TRY(b());')],
  ['a statement', inFunction('if (n > 1) TRY(b());')],
  ['an assignment to a member', inFunction('a.b = TRY(c());')],
  ['an argument', inFunction('return json(200, to_json(TRY(b(n))));')],
  ['a condition', inFunction('if (TRY(b())) return {};')],
  ['a range', inFunction('for (const auto& a : TRY(b())) c(a);')],
  ['a lambda among arguments', inFunction('return g(1, [&](int a) -> Result<std::vector<int>> { return TRY(b(a)); });')],
  ['a lambda without parameters', inFunction('return g([&] { return TRY(b()); });')],
  ['a lambda inside braces', inFunction('A a{.b = [&](int c) { return TRY(d(c)); }};')],
  ['a return type', 'auto f() -> Result<int> {\n  return TRY(g());\n}\n'],
  ['a member function', 'class A final : public B<int> {\n  Result<int> f() const noexcept { return TRY(g()); }\n};\n'],
  ['a struct in a function', inFunction('struct A { Result<int> f() { return TRY(g()); } };')],
  ['a constructor with braces in its list', 'struct A { A() : b_{1}, c_(2) {} Result<int> f() { return TRY(g()); } };\n'],
  ['a case', inFunction('switch (n) { case 1: { TRY(b()); } default: break; }')],
  ['an else', inFunction('if (n) { b(); } else { TRY(c()); }')],
  ['braces that are over', inFunction('A a{.b = 1}; TRY(c(a));')],
  ['text and comments', inFunction('a("{ TRY(b)"); /* { TRY( */ c(\'{\', 1\'000, R"x({ TRY()x");  // A{TRY(b())}')],
  ['the macro itself', '#define TRY(...) \\\n  __extension__({ \\\n  })\n#define FOO(a) B{TRY(a)}\n'],
]) {
  test(`${name} passes`, () => {
    const run = verdict(code);
    assert.ok(run.passed, run.text);
  });
}

for (const [name, code, expected = /src\/nn\/a\.cpp:3: TRY inside braces/] of [
  ['a named member', inFunction('A a{.b = c(), .d = TRY(e())};')],
  ['a member by place', inFunction('return A{b(), TRY(c())};')],
  ['a list', inFunction('std::vector<A> a = {b(), TRY(c())};')],
  ['braces in an argument', inFunction('a.push_back({b(), TRY(c())});')],
  ['braces within braces', inFunction('A a{{b(), TRY(c())}};')],
  ['a call within braces', inFunction('A a{b(), c(d, TRY(e()))};')],
  ['braces within a lambda', inFunction('return g([&] { return A{b(), TRY(c())}; });')],
  ['braces after a return', inFunction('return {b(), TRY(c())};')],
  ['an array', inFunction('A a[2] = {b(), TRY(c())};')],
  ['a capture', inFunction('auto a = [b = c(), d = TRY(e())] {};'), /a\.cpp:3: TRY inside a capture/],
  ['brackets that do not match', 'void f() {\n', /cannot read the brackets/],
]) {
  test(`${name} fails`, () => {
    const run = verdict(code);
    assert.ok(!run.passed, run.text);
    assert.match(run.text, expected);
  });
}
