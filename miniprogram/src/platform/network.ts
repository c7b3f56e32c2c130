import { ref, type Ref } from 'vue'
import { platform } from '.'

/** What the phone believes; a request can still find that it is wrong. */
export const isOnline: Ref<boolean> = ref(true)

platform.watchNetwork((online) => (isOnline.value = online))
