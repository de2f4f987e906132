// What node-postgres does: a pool, parameters, named statements, JSON, notifications, errors with codes.
const assert = require('node:assert');
const { Client, Pool } = require('pg');

async function main() {
  const pool = new Pool({ max: 4 });
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, i) => pool.query('select $1::int as i, $2::jsonb as j', [i, { i }]))
  );
  answers.forEach((answer, i) => assert.deepStrictEqual(answer.rows, [{ i, j: { i } }]));

  const named = { name: 'twice', text: 'select $1::int * 2 as n' };
  for (let i = 0; i < 5; i++) {
    const { rows } = await pool.query({ ...named, values: [i] });
    assert.strictEqual(rows[0].n, i * 2);
  }
  await assert.rejects(pool.query('select 1/0'), { code: '22012' });
  await pool.end();

  const client = new Client({ ssl: { rejectUnauthorized: false } });
  await client.connect();
  const heard = new Promise((resolve) => client.once('notification', (n) => resolve(n.payload)));
  await client.query('listen news');
  await client.query("select pg_notify('news', 'hello')");
  assert.strictEqual(await heard, 'hello');
  const { rows } = await client.query("select repeat('x', 1000000) as big");
  assert.strictEqual(rows[0].big.length, 1000000);
  await client.end();
  console.log('ok');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
