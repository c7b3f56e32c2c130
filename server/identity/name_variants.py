"""Characters that write the same name: traditional and simplified forms, variants, and surnames read in their
own way.  Taken from the surnames and given-name characters that registers confuse; not a dictionary."""

# Each group is one character in several forms; the first is the one they are folded to.
_GROUPS = """
张張 陈陳 杨楊 赵趙 黄黃 吴吳呉 刘劉 孙孫 马馬 罗羅 郑鄭 谢謝 韩韓 冯馮 萧蕭 蒋蔣 邓鄧 许許 叶葉 阎閻闫
余餘 钟鍾鐘 谭譚 陆陸 范範 贾賈 韦韋 邹鄒 龙龍 万萬 钱錢 汤湯 龚龔 严嚴 顾顧 卢盧 苏蘇 吕呂 乔喬 赖賴
庞龐 颜顏 齐齊 聂聶 鲁魯 温溫 庄莊 纪紀 项項 欧歐 关關 娄婁 缪繆 宁寧甯 凤鳳 凯凱 华華崋 国國囯 荣榮 东東
军軍 伟偉 丽麗 强強彊 红紅 艳艷豔 兰蘭 静靜 涛濤 杰傑 银銀 飞飛 鹏鵬 云雲 龄齡 锋鋒 刚剛 辉輝煇 晓曉 义義
礼禮 贤賢 贞貞 庆慶 胜勝 远遠 运運 达達 进進 连連 迁遷 选選 宝寶寳 实實 宪憲 宽寬 宾賓 岚嵐 岭嶺 岁歲
师師 帅帥 广廣 应應 开開 异異 彦彥 征徵 德徳惪 惠恵 恒恆 悦悅 惊驚 战戰 时時 显顯 晋晉 权權 条條 来來
柏栢 栋棟 桥橋 梦夢 楠枏 桦樺 树樹 欢歡 毕畢 济濟 润潤 泽澤 洁潔 涌湧 渊淵 湾灣 灵靈 灿燦 焕煥 炼煉 爱愛
状狀 献獻 玺璽 琼瓊 环環 珍珎 琐瑣 盖蓋 真眞 硕碩 祯禎 禄祿 积積 稳穩 笔筆 笺箋牋 纲綱 纯純 纶綸 练練
细細 织織 终終 绍紹 经經 绣繡 维維 绵綿緜 缘緣 群羣 肃肅 脉脈 艺藝 芦蘆 苹蘋 莲蓮 莹瑩 萤螢 蓝藍 蔷薔
虑慮 虏虜 见見 规規 视視 览覽 誉譽 训訓 记記 诗詩 诚誠 语語 谊誼 谦謙 谱譜 贝貝 财財 贵貴 贺賀 赞贊 赛賽
跃躍 车車 轩軒 轶軼 载載 辑輯 邻鄰 郁鬱 里裏裡 鉴鑒鑑 针針 钊釗 钦欽 钧鈞 铁鐵 铃鈴 铎鐸 铭銘 锐銳 锡錫
锦錦 键鍵 镇鎮 镜鏡 长長 门門 闻聞 阳陽 阴陰 际際 陇隴 随隨 难難 雾霧 韵韻 顺順 频頻 颂頌 题題 风風 驰馳
骄驕 骏駿 骥驥 鱼魚 鲜鮮 鸣鳴 鸿鴻 鹤鶴 麦麥 点點 党黨 举舉擧 乡鄉 书書 亚亞 产產 亲親 仪儀 优優 会會
传傳 伦倫 侠俠 俊儁 储儲 儿兒 兑兌 兴興 冲沖 净淨 剑劍劒 励勵 劲勁 务務 启啓啟 员員 响響 围圍 园園 圣聖
坚堅 垒壘 声聲 处處 备備 复復 头頭 奋奮 奖獎 妆妝 娇嬌 娅婭 娴嫻嫺 婵嬋 学學斈 峰峯 峤嶠 崭嶄 峥崢 嵘嶸
弥彌 归歸 当當 录錄 恺愷 扬揚 抚撫 择擇 挥揮 携攜 敌敵 断斷 旧舊 旷曠 昙曇 昼晝 昆崑 晔曄 暂暫 术術 机機
枫楓 枢樞 标標 样樣 桢楨 档檔 汉漢 汇匯 沪滬 泪淚 洒灑 浆漿 浩澔 涤滌 滨濱 满滿 漓灕 灯燈 炜煒 烨燁爗
烛燭 热熱 犹猶 猎獵 玑璣 玮瑋 珏玨 瑶瑤 珑瓏 璎瓔 电電 画畫 畅暢 祎禕 种種 竞競 笃篤 箫簫 篮籃 粤粵 纬緯
纹紋 缨纓 翘翹 耀燿 聪聰聡 职職 联聯 肤膚 舆輿 舰艦 芸蕓 荟薈 荫蔭 药藥 蕴蘊 虚虛 补補 袭襲 觉覺 计計
让讓 议議 论論 诺諾 谋謀 贯貫 贡貢 费費 赠贈 转轉 轮輪 辞辭 迈邁 逊遜 酝醞 钰鈺 铠鎧 锟錕 镕鎔 闯闖 闽閩
阅閱 隐隱 雏雛 霁霽 韬韜 颖穎頴 飒颯 驹駒 骁驍 鲲鯤 鹃鵑 鹰鷹 昇升 淩凌 於于 仙僊
"""
SURNAME_READINGS = {
    "单": "shan", "仇": "qiu", "解": "xie", "查": "zha", "曾": "zeng", "区": "ou", "盖": "ge", "任": "ren",
    "朴": "piao", "翟": "zhai", "华": "hua", "尉": "yu", "缪": "miao", "乐": "yue", "员": "yun", "召": "shao",
    "燕": "yan", "宁": "ning", "万": "wan", "谌": "chen", "折": "she", "繁": "po", "覃": "qin", "佟": "tong",
}  # fmt: skip

# A newborn's file before there is a name: so-and-so's son, daughter, baby, first, second of twins.
PLACEHOLDER_ENDINGS = (
    "之子",
    "之女",
    "之婴",
    "之长子",
    "之长女",
    "之次子",
    "之次女",
    "之大双",
    "之小双",
    "婴儿",
    "新生儿",
)


def folding() -> dict[int, str]:
    """For `str.translate`: every other form of a character → the form it is folded to."""
    return {ord(other): group[0] for group in _GROUPS.split() for other in group[1:]}
