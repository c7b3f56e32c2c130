import { computed, ref } from 'vue'
import { platform } from './platform'
import { keep, read } from './platform/storage'

/** How the resident likes to read: elder mode and text size, kept on the phone, the same on every page. */

const KEY = 'reading'
/** Factors of the three sizes; in elder mode the largest makes main text 30.8 px. */
export const SIZES = [1, 1.2, 1.4]

interface Reading {
  elder: boolean
  size: number
  asked: boolean
}

const reading = ref<Reading>(read<Reading>(KEY) ?? { elder: false, size: 0, asked: false })

export const isElder = computed(() => reading.value.elder)
export const wasAsked = computed(() => reading.value.asked)
export const size = computed(() => reading.value.size)
export const textScale = computed(() => Math.max(SIZES[reading.value.size] ?? 1, platform.fontScale()))

function change(part: Partial<Reading>): void {
  reading.value = { ...reading.value, ...part }
  keep(KEY, reading.value)
}

/** Choosing a mode anywhere also answers the question of the first use. */
export function setElder(elder: boolean): void {
  change({ elder, asked: true })
}

export function setSize(size: number): void {
  change({ size })
}
