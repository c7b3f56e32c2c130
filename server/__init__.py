"""The platform and its nouns.

Vocabulary (one English word for each term of the field; never a second one):

    health card 电子健康卡     what a resident claims; `card_id` is ours, `ehealth_card_id` is on the wire
    static / dynamic code      the text in the QR picture; a dynamic one lives a minute and is used once
    card centre 卡管中心       who issues cards; `centre_id`, on the wire EHCAPPID
    person index 主索引, EMPI  one `Person` per human being; `person_id`
    resident, holder           whose card it is
    account                    one login (phone, WeChat, Alipay), bound to residents
    institution, partner       a hospital; the software it runs against us is an `app`
    terminal 识读终端          what reads a code
    passive scan 被扫          the terminal reads the phone
    usage 用卡                 one use of a card; `scene` is the step 用卡环节 it was used at
    indirect use 间接用卡      the card was found by a number, nobody showed a code
    claim 领卡                 how a card comes to be
"""

__version__ = "0.1.0"
