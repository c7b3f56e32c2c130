"""Uses of cards 用卡 (V9, A6.4, A7.4.3): the codes they are told in, and those a hospital reports itself."""
