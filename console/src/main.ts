import "element-plus/dist/index.css";
import "./design.css";
import {
  ElAlert, ElButton, ElCard, ElCheckbox, ElConfigProvider, ElDatePicker, ElDescriptions, ElDescriptionsItem,
  ElDialog, ElEmpty, ElForm, ElFormItem, ElImage, ElInput, ElInputNumber, ElOption, ElPopconfirm, ElRadioButton,
  ElRadioGroup, ElSelect, ElSkeleton, ElSwitch, ElTable, ElTableColumn, ElTabPane, ElTabs, ElTag, ElTimeline,
  ElTimelineItem,
} from "element-plus";
import { createApp } from "vue";
import App from "./App.vue";
import { router } from "./router";
import { WORDS } from "./text";

document.title = WORDS.title;
const app = createApp(App);
for (const part of [
  ElAlert, ElButton, ElCard, ElCheckbox, ElConfigProvider, ElDatePicker, ElDescriptions, ElDescriptionsItem,
  ElDialog, ElEmpty, ElForm, ElFormItem, ElImage, ElInput, ElInputNumber, ElOption, ElPopconfirm, ElRadioButton,
  ElRadioGroup, ElSelect, ElSkeleton, ElSwitch, ElTable, ElTableColumn, ElTabPane, ElTabs, ElTag, ElTimeline,
  ElTimelineItem,
]) app.use(part);
app.use(router).mount("#app");
