/** How a command ends: a closed list. Each kind is permanent (the key keeps it) or transient (the key may be tried again). */
import type { Rejection } from '../core/rejections.ts';
import type { StoredAnswer } from '../store/transaction/idempotency-record.ts';

export type Outcome =
  /** Permanent. This execution has committed. */
  | { readonly kind: 'committed'; readonly answer: StoredAnswer }
  /** Permanent. Another execution of the key was answered first; this is its answer, whether a commit or a refusal. */
  | { readonly kind: 'replayed'; readonly answer: StoredAnswer }
  /** Permanent. A rule said no, and the refusal is kept under the key. */
  | { readonly kind: 'refused'; readonly rejection: Rejection; readonly answer: StoredAnswer }
  /** Permanent, for as long as the key is kept. It was used with another input. */
  | { readonly kind: 'key_reused' }
  /** Transient. What said no may change by itself (see `isFinal` in `core/rejections.ts`); nothing is kept. */
  | { readonly kind: 'refused_for_now'; readonly rejection: Rejection }
  /** Transient. Time is up, or too many wait already. Nothing was changed. */
  | { readonly kind: 'contended' }
  /** Transient. The key's first execution has not ended within this one's deadline. */
  | { readonly kind: 'in_progress' }
  /** Transient. An attempt may have committed, or may still. The next one finds out, by the key or the message. */
  | { readonly kind: 'unknown' }
  /** Transient. The database did not answer before anything was sent that could commit. */
  | { readonly kind: 'unavailable'; readonly cause?: Error };
