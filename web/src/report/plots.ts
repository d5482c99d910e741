// Draws the plots of a report page: every <figure data-plot> holds a Vega-Lite specification as JSON. Built into one
// script that the program puts into the page (src/evaluate/plot_page.cpp), so it loads nothing and evaluates no text:
// Vega's expressions are interpreted, not compiled.
import embed, { type Result, type VisualizationSpec } from 'vega-embed';
import { expressionInterpreter } from 'vega-interpreter';

const colourOf = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** The specification with `@name` as the page's colour of that name. */
function withColours(text: string): VisualizationSpec {
  return JSON.parse(text, (_key, value) =>
    typeof value === 'string' && /^@[a-z]+$/.test(value) ? colourOf(value.slice(1)) : value);
}

function theme() {
  const [ink, quiet, line] = [colourOf('ink'), colourOf('quiet'), colourOf('line')];
  return {
    background: 'transparent',
    font: getComputedStyle(document.body).fontFamily,
    padding: { left: 4, right: 12, top: 4, bottom: 4 },
    view: { stroke: 'transparent' },
    axis: {
      domainColor: line, gridColor: line, tickColor: line, labelColor: quiet, titleColor: ink, titleFontWeight: 600 as const,
      labelFontSize: 11, titleFontSize: 12, titlePadding: 8,
    },
    legend: { labelColor: ink, titleColor: quiet, labelFontSize: 12, orient: 'top' as const, title: null },
    header: { labelColor: ink, titleColor: quiet },
    rule: { color: quiet },
    text: { color: ink },
  };
}

const drawn: Result[] = [];

async function draw(figure: HTMLElement) {
  const data = figure.querySelector('script[type="application/json"]');
  if (!data?.textContent) return;
  const place = figure.querySelector('div') ?? figure.appendChild(document.createElement('div'));
  const plot = await embed(place, { ...withColours(data.textContent), width: 'container',
    autosize: { type: 'fit', contains: 'padding' } } as VisualizationSpec, {
    ast: true, expr: expressionInterpreter, config: theme(), renderer: 'svg',
    actions: { export: true, source: false, compiled: false, editor: false },
    tooltip: { theme: matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light' },
  });
  place.querySelector('summary')?.setAttribute('aria-label', 'Save this plot as a picture');
  drawn.push(plot);
}

async function drawAll() {
  for (const plot of drawn.splice(0)) plot.finalize();
  for (const figure of document.querySelectorAll<HTMLElement>('figure[data-plot]')) {
    try {
      await draw(figure);
    } catch (error) {
      figure.append(`This plot could not be drawn: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  document.documentElement.dataset.drawn = String(drawn.length);
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => void drawAll());
void drawAll();
