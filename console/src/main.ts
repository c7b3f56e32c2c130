import "element-plus/dist/index.css";
import "./design.css";
import {
  ElAlert, ElButton, ElConfigProvider, ElDatePicker, ElDescriptions, ElDialog, ElForm, ElImage, ElInput,
  ElInputNumber, ElPopconfirm, ElRadio, ElSelect, ElSkeleton, ElSwitch, ElTable, ElTabs, ElTag, ElTimeline,
} from "element-plus";
import { createApp } from "vue";
import App from "./App.vue";
import { router } from "./router";
import { WORDS } from "./text";

document.title = WORDS.title;
const app = createApp(App);
// What belongs to one of these (columns, options, radio buttons …) comes with it.
for (const part of [
  ElAlert, ElButton, ElConfigProvider, ElDatePicker, ElDescriptions, ElDialog, ElForm, ElImage, ElInput,
  ElInputNumber, ElPopconfirm, ElRadio, ElSelect, ElSkeleton, ElSwitch, ElTable, ElTabs, ElTag, ElTimeline,
]) app.use(part);
app.use(router).mount("#app");
