import { ref, type Ref } from 'vue'

/** What the phone believes; a request can still find that it is wrong. */
export const isOnline: Ref<boolean> = ref(true)

uni.getNetworkType({ success: ({ networkType }) => (isOnline.value = networkType !== 'none') })
uni.onNetworkStatusChange(({ isConnected }) => (isOnline.value = isConnected))
