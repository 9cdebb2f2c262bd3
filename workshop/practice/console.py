"""The console page: mode, faults and ledger, refreshed by itself. One file, nothing from outside.

Everything that comes from requests is set as text, never as HTML, and the policy below lets no other script run.
"""

import base64
import hashlib

from workshop.practice.prices import PRICE_BASIS

_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#b4b4b4, #5c5c5c); --soft: light-dark(#f1f1f1, #242424); }
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.35rem; margin: 0; } h2 { font-size: 1.1rem; margin: 1.4rem 0 .4rem; }
.notice { background: var(--soft); border-left: .3rem solid var(--line); padding: .5rem .8rem; margin: .8rem 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding: .2rem 0 .5rem; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
thead th { background: var(--soft); } th, td { white-space: nowrap; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
td.text { min-width: 16rem; overflow-wrap: anywhere; white-space: pre-wrap; }
ul { margin: .3rem 0; padding-left: 1.2rem; } code { font-size: .95em; }
"""

_SCRIPT = """
const at = id => document.getElementById(id);
const put = (parent, tag, text, kind) => {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  parent.append(made);
  return made;
};
const signs = { completed: '\\u2713', failed: '\\u2717', abandoned: '\\u2300', 'in flight': '\\u2026' };
const words = { completed: 'answered', failed: 'refused', abandoned: 'abandoned', 'in flight': 'in flight' };
const counts = (name, t) => `${name}: ${t.requests} requests, ${t.completed} answered, ${t.failed} refused, ` +
  `${t.abandoned} abandoned, ${t.in_flight} in flight`;
function faults(list) {
  const box = at('faults');
  box.replaceChildren();
  if (!list.length) put(box, 'li', 'No fault is set.');
  for (const f of list) {
    const more = ['after', 'times', 'left', 'delay', 'retry_after', 'probability', 'seed']
      .filter(k => f[k] !== null).map(k => `${k.replace('_', '-')} ${f[k]}`).join(', ');
    put(box, 'li', `${f.target} ${f.kind}${more ? ': ' + more : ''}`);
  }
}
function ledger(book) {
  const { model, weather } = book.totals, totals = at('totals');
  totals.replaceChildren();
  put(totals, 'li', counts('Model', model) +
    `; ${model.input_tokens} tokens in, ${model.output_tokens} out, $${model.cost_usd.toFixed(6)}`);
  put(totals, 'li', `Answered model calls made again within a run: ${model.completed_again}`);
  put(totals, 'li', counts('Weather', weather));
  const rows = at('rows'), last = book.entries.slice(-200).reverse();
  rows.replaceChildren();
  if (!last.length) put(put(rows, 'tr', ''), 'td', 'Nothing was asked yet.').colSpan = 9;
  for (const e of last) {
    const row = put(rows, 'tr', '');
    put(row, 'th', '#' + e.id).scope = 'row';
    put(row, 'td', new Date(e.began).toLocaleTimeString());
    put(row, 'td', e.service);
    put(row, 'td', e.run ? `${e.run} turn ${e.turn}` : '');
    put(row, 'td', `${signs[e.outcome]} ${words[e.outcome]} ${e.status ?? ''}` +
      (e.fault ? ` (fault ${e.fault})` : '') +
      (e.repeats ? ` (answered before as #${e.repeats})` : ''));
    put(row, 'td', e.asked, 'text');
    put(row, 'td', e.answered ?? '', 'text');
    put(row, 'td', e.output_tokens ? `${e.input_tokens} + ${e.output_tokens}` : '', 'number');
    put(row, 'td', e.cost_usd ? '$' + e.cost_usd.toFixed(6) : '', 'number');
  }
}
let shown = '';
async function refresh() {
  try {
    const answers = await Promise.all(['faults', 'ledger'].map(path => fetch(path, { cache: 'no-store' })));
    const texts = await Promise.all(answers.map(answer => answer.text()));
    if (texts.join() !== shown) {  // an unchanged page is left alone, so that a selection stays
      faults(JSON.parse(texts[0]).faults);
      ledger(JSON.parse(texts[1]));
      shown = texts.join();
    }
    at('state').textContent = 'Up to date; refreshed every 2 seconds.';
  } catch {
    at('state').textContent = 'The practice services do not answer; what you see is old. Start them: workshop up';
  }
  setTimeout(refresh, 2000);
}
refresh();
"""

PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Practice services</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body>
<header><h1>Practice services</h1></header>
<main>
<p class="notice"><strong>Practice mode.</strong> The model here is a scripted stand-in and no LLM; the weather is
made up. What is sent here stays on this machine.</p>
<h2 id="f">Faults</h2>
<ul id="faults" aria-labelledby="f"><li>Loading…</li></ul>
<p>Set one: <code>workshop fault model slow 5</code>. Clear all: <code>workshop fault clear</code>.</p>
<h2 id="t">Totals</h2>
<ul id="totals" aria-labelledby="t"><li>Loading…</li></ul>
<h2 id="l">Ledger</h2>
<div class="scroll" role="region" aria-labelledby="l" tabindex="0">
<table>
<caption>The last 200 requests, newest first. All of them: <code>workshop ledger</code></caption>
<thead><tr>
<th scope="col">No.</th><th scope="col">Time</th><th scope="col">Service</th><th scope="col">Run</th>
<th scope="col">Outcome</th><th scope="col">Asked</th><th scope="col">Answered</th>
<th scope="col">Tokens in + out</th><th scope="col">Cost</th>
</tr></thead>
<tbody id="rows"><tr><td colspan="9">Loading…</td></tr></tbody>
</table>
</div>
</main>
<footer>
<p>{PRICE_BASIS}</p>
<p id="state" role="status">Loading…</p>
<noscript><p>This page needs JavaScript; <code>workshop ledger</code> shows the same.</p></noscript>
</footer>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


PAGE_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
