/** The state machine of a collection, with the state an entity is in. The picture was drawn when the page was made. */
import { useEffect, useRef } from 'preact/hooks';
import { urlOf } from '../api.ts';
import type { Entity } from '../model.ts';
import { useTexts } from '../texts/index.ts';

export function Machine({ collection, entity }: { readonly collection: string; readonly entity: Entity }) {
  const { entity: texts } = useTexts();
  const frame = useRef<HTMLDivElement>(null);
  const { status, allowedTransitions } = entity;
  const allowed = allowedTransitions.join(', ');
  useEffect(() => {
    let isCurrent = true;
    void drawingOf(collection).then((drawing) => {
      if (!isCurrent || !drawing || !frame.current) return;
      mark(drawing, status, allowed.split(', '));
      frame.current.replaceChildren(drawing);
    });
    return () => {
      isCurrent = false;
    };
  }, [collection, status, allowed]);
  return (
    <div
      class="machine"
      role="img"
      aria-label={texts.machineLabel(status, allowed)}
      ref={frame}
      tabIndex={0}
    />
  );
}

async function drawingOf(collection: string): Promise<Element | undefined> {
  try {
    const response = await fetch(urlOf(`console/${collection}.svg`));
    if (!response.ok) return undefined;
    return new DOMParser().parseFromString(await response.text(), 'image/svg+xml').documentElement;
  } catch {
    return undefined;
  }
}

function mark(drawing: Element, status: string, allowed: readonly string[]): void {
  // Mermaid names a state with what is no letter or digit replaced.
  const here = status.replaceAll(/\W/g, '_');
  for (const node of drawing.querySelectorAll('.node')) {
    if (node.getAttribute('data-id') === here) node.classList.add('here');
  }
  for (const edge of drawing.querySelectorAll('.edge, .edge-label')) {
    const label = edge.getAttribute('data-label') ?? edge.textContent;
    const commands = label.split(',').map((command) => command.trim());
    const isOpen =
      edge.getAttribute('data-from') === here && commands.some((command) => allowed.includes(command));
    if (isOpen) edge.classList.add('open');
  }
}
