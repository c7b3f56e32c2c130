import type { Day, Doctor, Slot } from '../../api/institutions'

/** The day to open with: the first that has a place, or else the first. */
export function firstFree(days: Day[]): string {
  const free = days.find((day) => day.free > 0 && day.released_at === null)
  return (free ?? days[0])?.on ?? ''
}

export interface DoctorSlots {
  key: string
  doctor_id: string | null
  name: string
  title: string
  place: string
  slots: Slot[]
}

/** A doctor's times in one place together, those with a place left first. */
export function byDoctor(slots: Slot[], doctors: Doctor[]): DoctorSlots[] {
  const groups = new Map<string, DoctorSlots>()
  for (const slot of [...slots].sort((a, b) => a.starts_at.localeCompare(b.starts_at))) {
    const key = `${slot.doctor_id ?? ''}|${slot.item ?? ''}|${slot.place}`
    const title = doctors.find((one) => one.doctor_id === slot.doctor_id)?.title ?? ''
    const name = slot.doctor ?? slot.item ?? ''
    if (!groups.has(key)) groups.set(key, { key, doctor_id: slot.doctor_id, name, title, place: slot.place, slots: [] })
    groups.get(key)?.slots.push(slot)
  }
  const isFull = (group: DoctorSlots) => group.slots.every((slot) => slot.free === 0)
  return [...groups.values()].sort((a, b) => Number(isFull(a)) - Number(isFull(b)))
}
