/** Words of the pages about uses of cards: what institutions' codes mean, and the way to the centre above. */
import { PARTNER_CHANNELS } from "./partners";

export const STEPS: Record<string, string> = {
  "010101": "挂号", "0101011": "预约取号", "0101012": "当日挂号", "0101013": "建档", "0101014": "分诊",
  "010105": "缴费", "0101051": "门诊缴费", "0101053": "住院缴费",
};
const COST_TYPES: Record<string, string> = { "0000": "其他", "0100": "自费", "0200": "医保", "0300": "公费" };
/** The codes every platform begins with; a centre names those it adds itself. */
const FIRST: Record<string, Record<string, string>> = { steps: STEPS, channels: PARTNER_CHANNELS, cost_types: COST_TYPES };

/** What one of our codes is called: as the centre has it, where that is Chinese. */
export function codeName(kind: string, code: string, name: string): string {
  return /\p{Script=Han}/u.test(name) ? name : (FIRST[kind]?.[code] ?? name);
}

export const MAPPINGS = {
  heading: "代码对照",
  lead: "有的机构用自己的代码说环节、渠道和费用类型。这里写明它们各是我们的哪一个；改好后一秒内处处生效。",
  empty: "还没有机构入网",
  emptyHint: "入网申请通过以后，机构会出现在这里。",
  institution: "机构",
  kinds: { steps: "环节", channels: "渠道", cost_types: "费用类型" } as Record<string, string>,
  mapped: "有对照的代码",
  none: "没有，用的就是我们的代码",
  counted: (kind: string, count: number) => `${kind} ${count} 个`,
  setAt: "最近改于",
  setBy: "改的人",
  version: (version: number) => (version ? `第 ${version} 版` : "还没有对照"),
  change: "修改",
  look: "查看",
  theirs: "机构的代码",
  ours: "是我们的",
  choose: "选一个",
  add: "加一行",
  remove: "去掉",
  speaksOurs: "没有对照：这家机构用的就是我们的代码。",
  closed: "只认列出的这些，别的都退回，我们自己的代码也不例外。大小写要一致。",
  faults: {
    missing: "两边都要填", malformed: "只能有字母、数字、点、横线和下划线，最多 32 个", twice: "这个代码写了两次",
    unknown: "我们的代码表里没有它，请另选一个",
  } as Record<string, string>,
  saved: "已生效",
  unsaved: "有未保存的修改",
  newest: "放下我的修改，看最新的",
  readOnly: "您可以看，要改请找机构管理员。",
};

export const UPLOADS = {
  heading: "用卡上传",
  lead: "用卡记录传给上级中心，传到哪里了。上级确认收下的才算数；传不上去的一条也不丢。",
  states: {
    off: "没有接上级中心",
    failing: "传不上去",
    waiting: "正在上传",
    clear: "都传上去了",
    idle: "还没有要传的记录",
  } as Record<string, string>,
  about: {
    off: "这个平台没有设置上级中心的地址（UPPER_URL），用卡记录都留在本中心，不往上传。接上以后，维护人员可以用命令 ehc usage send-again 补传以前的。",
    waiting: "等着的几秒内就会传，过一会儿刷新再看。",
    clear: "新的用卡记录几秒内就会传。",
    idle: "有人用卡，几秒内就会传。",
  } as Record<string, string>,
  failing: (times: number, next: string) => `连着 ${times} 次没有成功。记录都在，${next} 再试。`,
  sent: "已经收下",
  waiting: "等着上传",
  refused: "上级不收",
  refusedHint: "不收的留在本中心，原因记在每条记录里。改好以后，维护人员可以用命令 ehc usage send-again 再传。",
  waitingSince: "最早一条从何时等起",
  sentAt: "上次传成",
  never: "还没有传成过",
  failedAt: "上次没传成",
  failedBecause: "没传成的原因",
  original: "原文",
};

const REASONS: Record<string, string> = {
  unreachable: "连不上上级中心，或它太久没有回答",
  "not JSON": "上级中心的回答看不懂",
  "not an object": "上级中心的回答看不懂",
  "the answer has not the shape of one": "上级中心的回答看不懂",
  "the answer does not account for the batch": "上级中心没有说清每一条收没收下",
  "too long": "上级中心的回答太长",
  "another call's reply, or outside the window": "回答对不上这次请求，或者两边的时钟差得太多",
  signature: "回答的签名不对，不像是上级中心说的",
};

/** Why uses were not taken, in words; `because` is what the server's log says. */
export function reasonOf(because: string): string {
  const status = /^unsigned (\d+)$/.exec(because)?.[1];
  if (status) return `回答没有签名，不像是上级中心说的（状态 ${status}）`;
  return REASONS[because] ?? "上级中心拒绝了";
}
