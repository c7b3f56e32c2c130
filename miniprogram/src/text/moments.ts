/** Times as a neighbour would say them, in the time of China, whatever the phone is set to. */

const CHINA_OFFSET_MS = 8 * 3600 * 1000
const weekdays = ['周日', '周一', '周二', '周三', '周四', '周五', '周六']

/** Such as 8月3日 周一 上午9:05; the year is named when it is not that of `now_ms`. */
export function moment(at: string | number, now_ms: number): string {
  const there = new Date(new Date(at).getTime() + CHINA_OFFSET_MS)
  const here = new Date(now_ms + CHINA_OFFSET_MS)
  const year = there.getUTCFullYear() === here.getUTCFullYear() ? '' : `${there.getUTCFullYear()}年`
  const day = `${there.getUTCMonth() + 1}月${there.getUTCDate()}日`
  return `${year}${day} ${weekdays[there.getUTCDay()]} ${clockTime(there)}`
}

function clockTime(there: Date): string {
  const hour = there.getUTCHours()
  const minute = String(there.getUTCMinutes()).padStart(2, '0')
  if (hour < 12) return `上午${hour}:${minute}`
  if (hour === 12) return `中午12:${minute}`
  return `下午${hour - 12}:${minute}`
}
