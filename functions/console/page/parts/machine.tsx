/** The state machine of a collection, with the state an entity is in. The picture was drawn when the page was made. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { urlOf } from '../api.ts';
import type { Entity } from '../model.ts';
import { useTexts } from '../texts/index.ts';

interface MachineProps {
  readonly drawing: Element;
  readonly entity: Entity;
}

export function Machine({ drawing, entity }: MachineProps) {
  const { entity: texts } = useTexts();
  const frame = useRef<HTMLDivElement>(null);
  const { status, allowedTransitions } = entity;
  const allowed = allowedTransitions.join(', ');
  useLayoutEffect(() => {
    const marked = drawing.cloneNode(true) as Element;
    mark(marked, status, allowed.split(', '));
    frame.current?.replaceChildren(marked);
  }, [drawing, status, allowed]);
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

/** @returns undefined until it is known whether there is one */
export function useDrawing(collection: string): Element | 'missing' | undefined {
  const [loaded, setLoaded] = useState<readonly [collection: string, Element | 'missing']>();
  useEffect(() => {
    let isCurrent = true;
    void drawingOf(collection).then((drawing) => {
      if (isCurrent) setLoaded([collection, drawing ?? 'missing']);
    });
    return () => {
      isCurrent = false;
    };
  }, [collection]);
  return loaded?.[0] === collection ? loaded[1] : undefined;
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
