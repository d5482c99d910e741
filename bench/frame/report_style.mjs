// How the report looks, in light and dark.
const light = `--paper:#fbfaf7;--card:#ffffff;--ink:#1d2024;--quiet:#646b75;--line:#e3e1da;--ours:#3aa598;--ours-strong:#0b6e63;
--rival-a:#7d8794;--rival-b:#d08a2e;--rival-c:#8a63c9;--goal:#c0392b;--good:#157347;--bad:#b42318;`;
const dark = `--paper:#14171a;--card:#1c2024;--ink:#e8e6e1;--quiet:#9aa3ad;--line:#333a41;--ours:#2f9a8c;--ours-strong:#66dccb;
--rival-a:#8f9aa7;--rival-b:#e0a04a;--rival-c:#b094ea;--goal:#ff7b6b;--good:#5fd39a;--bad:#ff8d80;`;

export const style = `
:root{${light}}
@media (prefers-color-scheme:dark){:root{${dark}}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1160px;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .25rem;letter-spacing:-.01em}
h2{font-size:1.3rem;margin:3rem 0 .25rem}
h3{font-size:1rem;margin:0 0 .5rem}
p{margin:0 0 1rem;color:var(--quiet);max-width:70ch}
.complaint{color:var(--bad)}
.figures{columns:2 440px;column-gap:1rem}
figure{margin:0 0 1rem;padding:1rem;background:var(--card);border:1px solid var(--line);border-radius:10px;break-inside:avoid}
figcaption{color:var(--quiet);font-size:.9rem;margin-bottom:.5rem}
figcaption b{color:var(--ink)}
figure ul{display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;list-style:none;margin:0 0 .5rem;padding:0;font-size:.85rem}
figure i{font-style:normal;margin-right:.4rem}
svg{display:block;width:100%;height:auto;max-width:500px}
details{margin-top:1rem}
summary{cursor:pointer;color:var(--ours-strong);font-weight:600;padding:.25rem 0}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums;min-width:100%}
th,td{text-align:left;padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--line);white-space:nowrap}
td:first-child{white-space:normal;min-width:11rem}
th{color:var(--quiet);font-weight:500}
.goals{min-width:0}
.goals td:first-child{min-width:0;width:1.5rem;font-weight:700}
.goals td:nth-child(2){white-space:normal;padding-right:2rem}
.goals small{display:block;color:var(--quiet)}
.met{color:var(--good)}
.missed{color:var(--bad)}
.needs-vnni{color:var(--quiet)}
.machine{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1rem 3rem}
dl{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr;gap:.35rem 1rem;margin:0;font-size:.9rem}
dt{color:var(--quiet)}
dd{margin:0}
@media (max-width:480px){main{padding:1.5rem .9rem 3rem}figure{padding:.75rem .6rem}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.6rem}}
`;
