/** A definition's state machine as a picture (SVG). */
import { renderMermaidSVG } from 'beautiful-mermaid';
import type { Domain } from '../core/definition.ts';
import { commandDiagram, stateDiagram } from './state-diagram.ts';

/** For an `<img>`: it brings its own style, and asks nobody for anything. */
export const drawingOf = (domain: Domain): string =>
  // The renderer would have its font fetched from elsewhere.
  drawn(stateDiagram(domain)).replace(/\s*@import url\([^)]*\);/, '');

/**
 * For the tree of a page, whose style sheet gives it its looks and marks a state: without any style of its own, which
 * the page's Content-Security-Policy forbids. A node has the class `node` and the state as `data-id`.
 */
export const drawingForPage = (domain: Domain): string =>
  drawn(commandDiagram(domain))
    .replace(/<style>.*?<\/style>/s, '')
    .replaceAll(/ style="[^"]*"/g, '')
    .replaceAll(/ (?:fill|stroke)="[^"]*"/g, '');

const drawn = (mermaid: string): string =>
  renderMermaidSVG(mermaid, { padding: 8, nodeSpacing: 20, font: 'Arial', transparent: true });
