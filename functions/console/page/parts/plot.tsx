/** Numbers over time, for as long as the page is open. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

export interface Series {
  readonly name: string;
  /** A custom property of the style sheet. */
  readonly color: string;
}

interface PlotProps {
  readonly label: string;
  readonly series: readonly Series[];
  /** Epoch seconds, and a list of values for each series. */
  readonly data: uPlot.AlignedData;
}

const height = 200;
/** Seconds that are shown at least: of one point alone the axis would be years long. */
const shownMin = 60;

export function Plot({ label, series, data }: PlotProps) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const names = series.map(({ name }) => name).join(' ');
  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const draw = (): void => {
      plot.current?.destroy();
      const axis = {
        stroke: colorOf(element, '--quiet'),
        grid: { stroke: colorOf(element, '--line'), width: 1 },
      };
      plot.current = new uPlot(
        {
          width: element.clientWidth,
          height,
          legend: { live: true },
          cursor: { y: false },
          scales: {
            x: { range: (_self, min, max) => [Math.min(min, max - shownMin), max] },
            y: { range: (_self, _min, max) => [0, Math.max(4, max * 1.1)] },
          },
          axes: [axis, { ...axis, size: 56, incrs: [1, 2, 5, 10, 20, 50, 100, 500, 1000, 5000, 10_000] }],
          series: [
            {},
            ...series.map(({ name, color }) => ({
              label: name,
              stroke: colorOf(element, color),
              width: 2,
              points: { show: false },
            })),
          ],
        },
        data,
        element,
      );
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    dark.addEventListener('change', draw);
    return () => {
      resized.disconnect();
      dark.removeEventListener('change', draw);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [names]);
  useEffect(() => {
    plot.current?.setData(data);
  }, [data]);
  return <div ref={frame} role="img" aria-label={label} />;
}

/** A canvas knows no custom properties: an element of that colour tells it. */
function colorOf(frame: HTMLElement, property: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${property})`;
  frame.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
