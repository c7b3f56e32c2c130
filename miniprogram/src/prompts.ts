import type { MessageTemplates } from './api/reminders'

/** What to ask a resident for: WeChat and Alipay send one message for each prompt that was accepted. */

type Template = MessageTemplates['templates'][number]

/** WeChat and Alipay show at most three at once. */
export const AT_ONCE = 3
/** A booking alone brings three messages: it is booked, the day before, soon. */
export const ENOUGH = 3

/** The templates to ask for at a tap, the scarcest first; at any tap when none is named. Those that last are left out. */
export function wantedAt(templates: Template[], tap: string | null): string[] {
  return templates
    .filter((one) => one.left < ENOUGH && (tap === null || one.taps.includes(tap)))
    .sort((a, b) => a.left - b.left)
    .slice(0, AT_ONCE)
    .map((one) => one.template_id)
}

/** What was said to each; nothing of those that were not shown. */
export type Answers = Record<string, boolean>

/** WeChat answers by template: `ban` and `filter` are those that it did not show. */
export function answersOfWeChat(template_ids: string[], said: Record<string, unknown>): Answers {
  const shown = template_ids.filter((one) => said[one] === 'accept' || said[one] === 'reject')
  return Object.fromEntries(shown.map((one) => [one, said[one] === 'accept']))
}

/** Alipay lists those that were accepted now; one that was accepted before is no new message. */
export function answersOfAlipay(template_ids: string[], result: { subscribeEntityIds?: string[]; subscribedEntityIds?: string[] } | undefined): Answers {
  const before = result?.subscribedEntityIds ?? []
  const now = result?.subscribeEntityIds ?? []
  return Object.fromEntries(template_ids.filter((one) => now.includes(one) || !before.includes(one)).map((one) => [one, now.includes(one)]))
}
