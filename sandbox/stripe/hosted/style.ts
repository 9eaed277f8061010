/** The look of the hosted pages: light and dark, from 360 px up, no outside assets. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --panel: #f6f7fb; --ink: #16192c; --soft: #585e78; --line: #dfe2ee; --field: #ffffff;
  --accent: #4f46e5; --accent-ink: #ffffff; --accent-deep: #4338ca; --bad: #b42318; --bad-back: #fef3f2;
  --good: #067647; --badge: #fdf0d5; --badge-ink: #7a4b00; --shadow: 0 1px 2px rgb(22 25 44 / .06), 0 8px 24px rgb(22 25 44 / .06);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12141f; --panel: #191c2b; --ink: #eef0fa; --soft: #a3a9c4; --line: #313650; --field: #1d2133;
    --accent: #8b83ff; --accent-ink: #12141f; --accent-deep: #a49dff; --bad: #ff9c92; --bad-back: #3a1d1d;
    --good: #5bd6a0; --badge: #3d3011; --badge-ink: #f8d58a; --shadow: 0 1px 2px rgb(0 0 0 / .4), 0 12px 32px rgb(0 0 0 / .3);
  }
}
* { box-sizing: border-box; }
html { font: 16px/1.5 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
body { margin: 0; min-height: 100vh; background: var(--page); color: var(--ink); -webkit-font-smoothing: antialiased; }
.page { display: grid; grid-template-columns: 1fr; min-height: 100vh; }
.summary { background: var(--panel); padding: 24px 20px 28px; }
.payment { padding: 28px 20px 40px; }
.column { width: 100%; max-width: 440px; margin: 0 auto; }
@media (min-width: 900px) {
  .page { grid-template-columns: 1fr 1fr; }
  .summary { padding: 72px 56px; border-right: 1px solid var(--line); }
  .summary .column { margin: 0 0 0 auto; }
  .payment { padding: 72px 56px; }
  .payment .column { margin: 0 auto 0 0; }
}
.merchant { display: flex; align-items: center; gap: 10px; flex-wrap: wrap; margin-bottom: 24px; font-weight: 600; }
.merchant a { display: inline-flex; align-items: center; gap: 8px; color: inherit; text-decoration: none; border-radius: 8px; }
.merchant a:hover .name { text-decoration: underline; }
.arrow { color: var(--soft); font-size: 1.1rem; }
.mark { display: grid; place-items: center; width: 30px; height: 30px; border-radius: 9px; background: var(--accent); color: var(--accent-ink); font-size: .9rem; }
.badge { background: var(--badge); color: var(--badge-ink); font-size: .69rem; font-weight: 700; letter-spacing: .06em; border-radius: 6px; padding: 3px 8px; }
.lead { margin: 0; color: var(--soft); font-weight: 500; }
.amount { display: flex; align-items: baseline; gap: 10px; margin: 2px 0 2px; font-size: 2.25rem; font-weight: 700; letter-spacing: -.02em; line-height: 1.2; font-variant-numeric: tabular-nums; }
.amount small { font-size: .95rem; font-weight: 500; letter-spacing: 0; color: var(--soft); line-height: 1.25; }
.after { margin: 4px 0 0; color: var(--soft); }
.lines { list-style: none; margin: 28px 0 0; padding: 0; }
.lines li, .row { display: flex; justify-content: space-between; gap: 16px; }
.lines li { padding: 0 0 16px; }
.lines strong { display: block; font-weight: 600; overflow-wrap: anywhere; }
.lines span, .row .note { color: var(--soft); font-size: .88rem; }
.money { white-space: nowrap; font-variant-numeric: tabular-nums; text-align: right; }
.money span { display: block; }
.sums { border-top: 1px solid var(--line); padding-top: 16px; display: grid; gap: 12px; }
.row.total { border-top: 1px solid var(--line); padding-top: 16px; font-weight: 600; }
.row.discount .money { color: var(--good); }
.code { display: inline-flex; align-items: center; gap: 6px; background: var(--page); border: 1px solid var(--line); border-radius: 7px; padding: 2px 4px 2px 8px; font-size: .85rem; font-weight: 600; }
.code button { border: 0; background: none; color: var(--soft); font: inherit; cursor: pointer; padding: 0 5px; border-radius: 5px; min-height: 24px; }
.promo { display: flex; gap: 8px; }
.promo input { flex: 1; min-width: 0; text-transform: uppercase; }
.promo input::placeholder { text-transform: none; }
h1, h2 { font-size: 1.2rem; line-height: 1.3; margin: 0 0 16px; letter-spacing: -.01em; }
.payment h2 { margin-top: 28px; }
.payment form > h2:first-child { margin-top: 0; }
label, legend { display: block; font-size: .88rem; font-weight: 600; margin-bottom: 6px; padding: 0; }
.field { margin-bottom: 16px; }
input { width: 100%; min-height: 46px; padding: 10px 12px; font: inherit; color: inherit; background: var(--field); border: 1px solid var(--line); border-radius: 9px; box-shadow: 0 1px 1px rgb(22 25 44 / .04); }
input::placeholder { color: var(--soft); opacity: .75; }
input[aria-invalid="true"] { border-color: var(--bad); }
:is(input, button, a):focus-visible { outline: 3px solid color-mix(in srgb, var(--accent) 55%, transparent); outline-offset: 2px; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; }
input[readonly] { background: var(--panel); color: var(--soft); box-shadow: none; }
.cards { border: 1px dashed var(--line); border-radius: 12px; padding: 14px; margin: 0 0 20px; background: var(--panel); min-width: 0; }
.cards legend { float: left; width: 100%; color: var(--soft); font-weight: 500; margin-bottom: 10px; }
.cards div { clear: both; display: flex; flex-wrap: wrap; gap: 8px; }
.cards .plain { flex: 1 1 auto; padding: 8px 6px; font-size: .82rem; white-space: nowrap; }
button { font: inherit; }
.plain { min-height: 44px; padding: 8px 12px; font-weight: 600; font-size: .9rem; color: var(--ink); background: var(--field); border: 1px solid var(--line); border-radius: 9px; cursor: pointer; }
.plain:hover { border-color: var(--accent); }
.pay { position: relative; width: 100%; min-height: 50px; margin-top: 8px; font-weight: 650; font-size: 1.02rem; color: var(--accent-ink); background: var(--accent); border: 0; border-radius: 10px; cursor: pointer; box-shadow: var(--shadow); transition: background .15s; }
.pay:hover { background: var(--accent-deep); }
.pay[aria-disabled="true"] { cursor: progress; opacity: .85; }
.pay.done { background: var(--good); }
.spinner { display: none; width: 18px; height: 18px; margin-right: 10px; vertical-align: -3px; border-radius: 50%; border: 2.5px solid currentColor; border-right-color: transparent; animation: turn .8s linear infinite; }
.pay[aria-disabled="true"]:not(.done) .spinner { display: inline-block; }
@keyframes turn { to { transform: rotate(1turn); } }
@media (prefers-reduced-motion: reduce) { .spinner { animation-duration: 4s; } * { transition: none !important; } }
.error:empty { display: none; }
.error { color: var(--bad); background: var(--bad-back); border-radius: 9px; padding: 11px 14px; margin: 0 0 14px; font-weight: 500; }
.small { color: var(--soft); font-size: .82rem; margin: 14px 0 0; text-align: center; }
dialog { width: min(420px, calc(100vw - 32px)); border: 1px solid var(--line); border-radius: 16px; padding: 28px; background: var(--page); color: var(--ink); box-shadow: var(--shadow); }
dialog::backdrop { background: rgb(10 12 24 / .55); backdrop-filter: blur(2px); }
dialog p { color: var(--soft); margin: 0 0 20px; }
dialog .choices { display: grid; gap: 10px; }
dialog .pay { margin: 0; }
.message { display: grid; place-items: center; min-height: 100vh; padding: 24px; background: var(--panel); }
.message main { width: 100%; max-width: 440px; background: var(--page); border: 1px solid var(--line); border-radius: 18px; padding: 32px 28px; box-shadow: var(--shadow); }
.message p { color: var(--soft); margin: 0 0 20px; }
.message .link { display: inline-flex; align-items: center; min-height: 44px; padding: 8px 18px; border-radius: 10px; background: var(--accent); color: var(--accent-ink); font-weight: 600; text-decoration: none; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;
