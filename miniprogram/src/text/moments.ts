/** Times as a neighbour would say them, in the time of China, whatever the phone is set to. */

const CHINA_OFFSET_MS = 8 * 3600 * 1000
const weekdays = ['周日', '周一', '周二', '周三', '周四', '周五', '周六']

/** Such as 8月3日 周一 上午9:05, or 上午9点; the year is named when it is not that of `now_ms`. */
export function moment(at: string | number, now_ms: number): string {
  const there = new Date(new Date(at).getTime() + CHINA_OFFSET_MS)
  const here = new Date(now_ms + CHINA_OFFSET_MS)
  const year = there.getUTCFullYear() === here.getUTCFullYear() ? '' : `${there.getUTCFullYear()}年`
  const day = `${there.getUTCMonth() + 1}月${there.getUTCDate()}日`
  return `${year}${day} ${weekdays[there.getUTCDay()]} ${timeSaid(at)}`
}

const there = (at: string | number) => new Date(new Date(at).getTime() + CHINA_OFFSET_MS)

/** The day in China, such as 2026-08-03. */
export function dayOf(at: string | number): string {
  return there(at).toISOString().slice(0, 10)
}

/** A day such as 2026-08-03, as one says it now: 今天 8月3日 周一. */
export function daySaid(on: string, now_ms: number): string {
  const [year, month, day] = on.split('-').map(Number)
  const away = Math.round((Date.parse(on) - Date.parse(dayOf(now_ms))) / 86_400_000)
  const near = away === 0 ? '今天 ' : away === 1 ? '明天 ' : ''
  const other = year === Number(dayOf(now_ms).slice(0, 4)) ? '' : `${year}年`
  return `${near}${other}${month}月${day}日 ${weekdays[new Date(`${on}T00:00:00Z`).getUTCDay()]}`
}

/** 周一, and 3日: two short lines of a calendar, which says the month where one begins. */
export function dayShort(on: string, now_ms: number): [string, string] {
  const weekday = on === dayOf(now_ms) ? '今天' : weekdays[new Date(`${on}T00:00:00Z`).getUTCDay()]
  const day = Number(on.slice(8))
  return [weekday, day === 1 ? `${Number(on.slice(5, 7))}/1` : `${day}日`]
}

/** 上午9点, 下午3:20. */
export function timeSaid(at: string | number): string {
  return clockTime(there(at)).replace(/:00$/, '点')
}

/** 07:30, as one says it: 上午7:30. */
export function clockSaid(clock: string): string {
  return timeSaid(`2026-01-01T${clock}:00+08:00`)
}

/** 今天 8月3日 周一 上午9点 */
export function whenSaid(at: string | number, now_ms: number): string {
  return `${daySaid(dayOf(at), now_ms)} ${timeSaid(at)}`
}

function clockTime(there: Date): string {
  const hour = there.getUTCHours()
  const minute = String(there.getUTCMinutes()).padStart(2, '0')
  if (hour < 12) return `上午${hour}:${minute}`
  if (hour === 12) return `中午12:${minute}`
  return `下午${hour - 12}:${minute}`
}
