/** How far the uses of cards are on their way to the centre above. */
export interface Progress {
  is_set_up: boolean;
  sent: number;
  waiting: number;
  refused: number;
  waiting_since: string | null;
  sent_at: string | null;
  failures: number;
  failed_at: string | null;
  failed_because: string | null;
  next_try_at: string | null;
}
export type Standing = "off" | "failing" | "waiting" | "clear" | "idle";

export function standing(progress: Progress): Standing {
  if (!progress.is_set_up) return "off";
  if (progress.failures > 0) return "failing";
  if (progress.waiting > 0) return "waiting";
  return progress.sent_at ? "clear" : "idle";
}
