import type { Day, Doctor, Slot } from '../../src/api/institutions'
import { byDoctor, firstFree } from '../../src/pages/institutions/openings'

const day = (on: string, free: number, released_at: string | null = null): Day => ({ on, free, released_at })
const slot = (slot_id: string, part: Partial<Slot>): Slot => ({
  slot_id, kind: 'clinic', department_id: 'TCM', department: '中医内科', doctor_id: 'qin', doctor: '秦医生', item: null, place: '2 诊室',
  starts_at: '2026-11-26T00:00:00Z', ends_at: '2026-11-26T00:30:00Z', capacity: 3, free: 1, fee_fen: 0, released_at: null, ...part,
})
const DOCTORS: Doctor[] = [{ doctor_id: 'qin', name: '秦医生', title: '主任医师', department_id: 'TCM', next_free_on: null }]

test('the page opens with the first day that can be booked, or else with the first', () => {
  const released = '2026-11-27T00:00:00Z'
  expect(firstFree([day('2026-11-26', 0), day('2026-11-27', 4, released), day('2026-11-28', 2), day('2026-11-29', 9)])).toBe('2026-11-28')
  expect(firstFree([day('2026-11-26', 0), day('2026-11-27', 4, released)])).toBe('2026-11-26')
  expect(firstFree([])).toBe('')
})

test('the times of a doctor in one place stand together, by the hour, and the full come last', () => {
  const found = byDoctor(
    [
      slot('a', { doctor_id: 'lu', doctor: '陆医生', free: 0 }),
      slot('b', { starts_at: '2026-11-26T01:00:00Z', free: 0 }),
      slot('c', { starts_at: '2026-11-26T00:30:00Z' }),
      slot('d', { starts_at: '2026-11-26T06:00:00Z', place: '3 诊室' }),
    ],
    DOCTORS,
  )
  expect(found.map((group) => [group.name, group.title, group.place, group.slots.map((one) => one.slot_id)])).toEqual([
    ['秦医生', '主任医师', '2 诊室', ['c', 'b']],
    ['秦医生', '主任医师', '3 诊室', ['d']],
    ['陆医生', '', '2 诊室', ['a']],
  ])
})

test('where no doctor is named the item stands in the place of the name', () => {
  const [group] = byDoctor([slot('a', { doctor_id: null, doctor: null, item: 'influenza' })], DOCTORS)
  expect([group.doctor_id, group.name, group.title]).toEqual([null, 'influenza', ''])
})
