/** Policies, their fields and their values in words.  What has none yet is shown by its own name. */
import { CHANNELS, ID_TYPES, RELATIONS, SOURCES } from ".";
import { STEPS } from "./usage";

const NAMES: Record<string, [string, string]> = {
  claims: ["申领", "谁能替谁申领、要哪些证明、哪些先由人审核"],
  real_name: ["实名核验", "按渠道、关系和证件类型，凭哪些来源算核实"],
  identity_tries: ["核验次数", "一天里最多错几次，按人、账户、设备和网络地址分别计"],
  code_display: ["二维码", "动态码多久一换，是否允许静态码"],
  static_codes: ["静态码", "静态码在哪些环节可用，哪里要密码"],
  active_scan: ["主动扫码", "终端等居民确认多久，哪些环节要再验证"],
  card_retention: ["注销卡留存", "注销后资料保留多久再脱敏"],
  matching: ["身份比对", "多像算同一个人，多像要人工判断"],
  usage_codes: ["用卡代码", "用卡记录里的环节、渠道和费用类型，各有哪些代码"],
  usage_reporting: ["用卡上报", "多久以后算补报，上级中心能知道持卡人的什么"],
  booking: ["预约", "号占多久，什么时候前能退，多久没来算爽约"],
  fair_booking: ["公平预约", "一个人、一家、一台设备能约多少，老不来的怎么办"],
  examinations: ["检查安排", "哪些检查不能同一天做，先后、间隔和准备"],
  visits: ["签到", "多早能签到、多晚还能签，手机定位要多准"],
  queues: ["排队", "按什么次序叫号，过号的回来排在哪里"],
  guidance: ["就诊引导", "每一步之后请病人去做什么"],
  reminders: ["提醒", "看病、占着的号和吃药，什么时候提醒"],
  partner_guesses: ["机构查人", "一个应用一天里能问多少个并不存在的人"],
  terminal_scans: ["终端扫码", "一台终端被拒多少次，就先停一停"],
  message_templates: ["消息模板", "微信和支付宝批准了哪些模板，各填什么"],
};

const FIELDS: Record<string, string> = {
  review_channels: "要人工审核的渠道", review_documents: "要人工审核的证件", attachments_for: "要上传材料的证件",
  attachments_kept_days: "材料保留天数", family_limit: "家庭成员上限", guardian_years: "不满几岁要监护人申领",
  own_card_years: "满几岁可接回自己的卡", adult_years: "成年年龄", proofs_of_minor: "未成年家人：可用的关系证明",
  proofs_of_adult: "成年家人：可用的关系证明", takes_over_with: "接回他人名下的卡要核实的来源",
  rules: "规则（从上往下，第一条符合的算）", channels: "渠道", relations: "关系", id_types: "证件类型", accepts: "认可的组合（任一组齐全即可）",
  account: "每个账户一天", device: "每台设备一天", address: "每个网络地址一天", person: "每个人一天",
  refresh_seconds: "动态码有效秒数", static_allowed: "允许静态码", scenes: "可用静态码的环节", pin_scenes: "要密码的环节",
  pin_institutions: "一律要密码的机构", life_s: "等待居民确认的秒数", factor_scenes: "要再验证的环节", cancelled_days: "注销后保留天数",
  same_from_bits: "从多少分起算同一个人", review_from_bits: "从多少分起要人工判断", population: "登记人口数", lead_bits: "要领先第二名多少分",
  steps: "环节", cost_types: "费用类型", name: "名称", pays: "这里付钱", late_after_hours: "晚几小时算补报", names_persons: "上级中心知道持卡人编号",
  hold_minutes: "号占住几分钟等付款", cancel_until_minutes: "开始前几分钟还能退", no_show_after_minutes: "结束后几分钟没来算爽约",
  draw_seconds: "放号后几秒内一起抽签", person_day: "一个人一天能约几个", family_open: "一个账户最多同时约几个", device_open: "一台设备最多同时约几个",
  no_shows: "爽约几次停约", no_show_window_days: "看最近几天的爽约", blocked_days: "停约几天", account_attempts: "每个账户十分钟内几次不成就停",
  device_attempts: "每台设备十分钟内几次不成就停", address_attempts: "每个网络地址十分钟内几次不成就停",
  opens_before_min: "提前几分钟可以签到", closes_after_min: "结束后几分钟还能签到", worst_accuracy_m: "定位误差不超过几米",
  late_grace_min: "迟到几分钟不往后排", walk_in_behind_min: "没预约的往后排几分钟", elderly_from: "几岁起算老人", elderly_ahead_min: "老人往前排几分钟",
  return_places_back: "过号回来往后排几位", max_returns: "最多过号几次", near_places: "前面还有几位时提醒",
  hours_before: "提前几小时提醒看病", of_institutions: "另有时间的机构", medication_late_minutes: "吃药的时间过了几分钟就不再提醒",
  "ReminderPolicy.hold_minutes": "占着的号，到期前几分钟提醒",
  wechat: "微信", alipay: "支付宝", template_id: "模板编号", fields: "模板里的每一栏填什么", page: "点开到哪一页",
  numbers: "没有人用的患者编号，一天几个", persons: "有疑问的登记，一天几个", names: "同一个证件有疑问的姓名，一天几个", refused: "被拒几次就停一停",
  items: "检查项目", exclusions: "不能挨着做的", orders: "先后", intervals: "间隔", gap_minutes: "两项之间留几分钟",
  item: "代码", tags: "特点", not_after: "最晚开始", preparation: "准备", code: "代码", hours: "小时", minutes: "分钟", one: "这一项", other: "那一项",
  within_days: "几天之内", first: "先做", then: "后做", tasks: "要做的事（按次序）", what: "事情", step: "流程中的第几步", event: "发生了什么", ends: "做完了", begins: "接着做",
};

const HINTS: Record<string, string> = {
  refresh_seconds: "空着：按平台设置", static_allowed: "关掉后，居民看不到、也印不了静态码", scenes: "别的环节只认动态码", pin_institutions: "写机构编号",
  population: "人越多，越要像才算同一个人", late_after_hours: "这以后才报的，标为补报", names_persons: "关着：只给换过的编号，查不到是谁",
  steps: "在哪里用卡", channels: "用什么读的", cost_types: "谁付钱", draw_seconds: "0：先到先得", person_day: "按类别分", family_open: "检查不算", refused: "十分钟内", numbers: "别的机构的编号", persons: "没有自己编号的新人也算",
  device_open: "检查不算", blocked_days: "从最后一次爽约算起",
};

const VALUES: Record<string, string> = {
  ...CHANNELS, ...RELATIONS, ...ID_TYPES, ...SOURCES, ...Object.fromEntries(Object.entries(STEPS).map(([code, name]) => [code, `${name} ${code}`])),
  authority: "公安实名", phone: "手机短信", reading: "设备读证", face_to_face: "当面核验", birth_certificate: "出生医学证明",
  household_register: "户口簿", consent_sms: "本人短信同意", consent_card: "本人出示动态码", guardianship: "监护证明（人工审核）",
  clinic: "门诊", examination: "检查", vaccine: "接种", checkup: "体检", bed: "床位",
  check_in: "签到", see_doctor: "看医生", book_examination: "预约检查", pay: "付钱", be_examined: "做检查", wait_for_report: "等报告",
  fetch_report: "取报告", fetch_medicine: "取药", answer_survey: "填满意度调查",
  booked: "约好了", checked_in: "签到了", consulted: "看过医生", ordered: "开了检查", examination_booked: "约好检查", prescribed: "开了药",
  paid: "付过钱", examined: "做过检查", report_ready: "报告出来了", dispensed: "发过药", finished: "看完了",
};

export const policyName = (name: string): string => NAMES[name]?.[0] ?? name;
export const policySentence = (name: string): string | undefined => NAMES[name]?.[1];
/** `of`: the policy's own name in its schema; two policies may mean different things by one field's name. */
export const labelOf = (field: string, of?: string): string => FIELDS[`${of}.${field}`] ?? FIELDS[field] ?? field;
/** What a field's label does not say, where the server's `description` says more than the field's name. */
export const hintOf = (field: string, description: string | undefined): string | undefined =>
  description && (HINTS[field] ?? (field in FIELDS ? undefined : description));
export const valueOf = (value: unknown): string => VALUES[String(value)] ?? String(value);
