import { call } from './client'

export type Where = 'everywhere' | 'inbox' | 'nowhere'
export type MessageGroup = 'card' | 'visits' | 'queue' | 'bills' | 'reports' | 'medication' | 'inpatient'

export interface MessagePreferences {
  /** On the wall clock of China; an end before the begin is the next morning. */
  quiet_hours: { begins: string; ends: string } | null
  groups: Record<MessageGroup, Where>
  /** Groups that cannot be sent nowhere. */
  always_in_inbox: string[]
}

export interface MessageTemplates {
  platform: 'wechat' | 'alipay' | null
  templates: { template_id: string; name: string; taps: string[]; left: number }[]
}

export function getMessagePreferences(): Promise<MessagePreferences> {
  return call({ method: 'GET', path: '/message-preferences' })
}

export function putMessagePreferences({ quiet_hours, groups }: MessagePreferences): Promise<MessagePreferences> {
  return call({ method: 'PUT', path: '/message-preferences', body: { quiet_hours, groups: { ...groups } } })
}

export function getMessageTemplates(): Promise<MessageTemplates> {
  return call({ method: 'GET', path: '/message-templates' })
}

/** What was answered to the platform's prompt: an accepted one is one message. */
export function countCredit(template_id: string, accepted: boolean, idempotencyKey: string): Promise<void> {
  return call({ method: 'POST', path: '/message-credits', body: { template_id, accepted }, idempotencyKey })
}
