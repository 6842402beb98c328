/** The console: operates the service with a browser, through the public API alone. */
import 'uplot/dist/uPlot.min.css';
import './console.css';
import { render } from 'preact';
import { Console } from './console.tsx';
import { takeIssuerAnswer } from './issuer.ts';

const root = document.querySelector('#console');
if (root) render(<Console issuerAnswer={takeIssuerAnswer()} />, root);
