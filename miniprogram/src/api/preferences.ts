import { call, newIdempotencyKey } from './client'
import { cardPath, type CodeKind } from './cards'

export type Openness = 'open' | 'ask' | 'closed'
export type AssetClass = 'records' | 'reports' | 'visits' | 'payments'

export interface Preferences {
  /** The code that the card page opens with. */
  shows: CodeKind
  static_needs_pin: boolean
  /** Off: every static code of the card is refused. */
  static_allowed: boolean
  privacy: Record<AssetClass, Openness>
}

/** What the centre lets a resident choose. */
export interface CodePolicy {
  refresh_seconds: number
  static_allowed: boolean
  /** Scenes whose static codes need the number, whatever the resident likes. */
  static_pin_required: string[]
}

export function getPreferences(card_id: string): Promise<Preferences & { policy: CodePolicy }> {
  return call({ method: 'GET', path: `${cardPath(card_id)}/preferences` })
}

export function putPreferences(card_id: string, preferences: Preferences): Promise<unknown> {
  const path = `${cardPath(card_id)}/preferences`
  return call({ method: 'PUT', path, body: { ...preferences }, idempotencyKey: newIdempotencyKey() })
}
