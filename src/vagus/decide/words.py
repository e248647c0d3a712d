"""The words the built-in parser knows: patterns over normalised text, as data. Korean stems, English whole words."""

STOP = (r"\b(?:(?<!can't )(?<!cannot )(?<!couldn't )(?<!could not )stop(?! holding)|halt|freeze|cancel|abort|"
        r"(?<!n't )(?<!not )enough)\b"
        r"|멈춰|멈춤|멈추|멈출|정지|그만(?! ?(?:[들쥐잡](?:고|$)|내려))"
        r"|스톱|스탑|중지|취소|가만히(?! ?(?:내려|올려)?놓(?!아 ?[둬두]))|^거기 서|^서(?:라|세요)?$")  # fmt: skip
NEGATION = r"\b(?:don'?t|do not|never|dont)\b|지 ?(?:마|말)|하지 ?마"

MINUS = r"(?<!\S)[-+−–](?= ?[\d.])|\b(?:minus|negative)\b|마이너스|음수"

QUESTION = (r"^(?:what|why|who|whose|when|where|which|how|is|are|am|was|were|do you|does|did|have you|has)\b"
            r"|왜|뭐|무엇|무슨|누구|언제|어디|어때|어떻|얼마|몇")  # fmt: skip

# A feeling is shown on request, not because somebody talks about one.
SHOWING = (r"^(?:be|look|act|make|show|express|give|pretend|put|try|smile|smiling|laugh|grin|cheer|frown|cry|crying|a|"
           r"an|your|with)\b|^\S+(?: (?:face|look|expression))?$"
           r"|표정|얼굴|척|지어|봐|줘|주세요|웃|미소|화내|울어|찡그|놀라")  # fmt: skip
EMOTIONS: dict[str, str] = {
    "neutral": r"\b(?:neutral|expressionless|poker face|straight face|blank face|normal face)\b"
               r"|무표정|평소 표정|보통 표정|표정 ?(?:을 )?풀",
    "happy": r"\b(?:happy|happily|happiness|smil(?:e|ing)|joy(?:ful)?|glad|grin|laugh|cheer(?:ful)?|delighted)\b"
             r"|웃|기쁜|기뻐|기쁨|기쁘|행복|즐거|신나|신난|미소",
    "sad": r"\b(?:sad|sadly|sadness|unhappy|cry|crying|gloomy|sorrow(?:ful)?|frown)\b"
           r"|슬픈|슬퍼|슬프|슬픔|우는|울어|울상|우울|속상",
    "surprised": r"\b(?:surprised?|shocked|astonished|amazed|startled)\b|놀란|놀라|놀람|깜짝",
    "angry": r"\b(?:angry|angrily|anger|mad|furious|annoyed)\b|화난|화내|화나|화를|화가|분노|성난|성내|찡그",
    "afraid": r"\b(?:afraid|scared|fear(?:ful)?|frightened|terrified)\b|무서|무섭|두려|두렵|겁",
}  # fmt: skip

DIRECTIONS: dict[str, str] = {
    "left": r"\bleft(?:wards?)?\b|왼(?! ?[손팔])|좌회전|좌측|좌로",
    "right": r"\bright(?:wards?)?\b|오른(?! ?[손팔])|우회전|우측|우로",
    "up": r"(?<!back )\b(?:up|upwards?|above|ceiling|sky)\b|위(?!험)|천장|하늘|고개 ?(?:를 )?(?:좀 )?들",
    "down": r"\b(?:down|downwards?|below|floor|ground)\b|아래|밑|바닥|고개 ?(?:를 )?(?:좀 )?숙",
    "back": r"\b(?:back|backwards?|behind|rear|reverse|around)\b|뒤|뒷|후방|후진|물러",
    "forward": r"\b(?:forwards?|ahead|straight(?! (?:up|down|back|left|right|to\b))|front)\b"
               r"|앞|정면|전방|전진|직진|똑바로|다가",
}  # fmt: skip

SIDE_OF_ARM: dict[str, str] = {
    "left": r"\bleft (?:hand|arm)\b|왼 ?(?:손|팔)|왼쪽 ?(?:손|팔)",
    "right": r"\bright (?:hand|arm)\b|오른 ?(?:손|팔)|오른쪽 ?(?:손|팔)",
}

HOME = (r"\bhome\b|\b(?:rest|resting|default|initial|start|starting) (?:position|pose|posture)\b|\brelax\b"
        r"|홈|집(?:으로|에)|(?:기본|처음|초기|준비|원래) ?자세|원위치|차렷|제자리로")  # fmt: skip
NOD = r"\bnod\b|끄덕"
SHAKE = r"\bshake (?:your |the )?head\b|(?:고개|머리)(?:를|도)? ?(?:좀 )?(?:저어|젓|저으|흔|가로)|도리도리"
POINT = r"\b(?:point|indicate)\b|가리|가르[켜키]|손가락|짚어"
WAVE = r"\b(?:wave|waving|greet)\b|흔[들든드]|손 ?인사|인사"
LOOK = (r"\b(?:look|looking|glance|gaze|face|watch)\b"
        r"|봐|보세요|보아|쳐다|바라|보렴|보십|시선|(?:^| )보(?:고|자|면)?$|본$")  # fmt: skip
LOOK_ROUND = (
    r"\b(?:look|have a look|take a look) (?:a)?round\b|둘러 ?[보봐]|(?:주위|주변)(?:를|을)? ?(?:살펴|둘러|봐|보)"
)
HEAD = r"\bhead\b|고개|머리"
TURN = r"\b(?:turn|rotate|spin|swivel|pivot)\b|돌|회전|(?:^| )도세요"
TURN_BACK = r"\b(?:turn|rotate)\b|돌|회전"
TURN_ROUND = r"\bturn(?: yourself)? (?:around|round|back)\b|뒤(?:로|를)? ?돌|돌아서|유턴|\bu turn\b"
MOVE = (r"\b(?:drive|go|move|roll|advance|back up|step|steps|come(?! back)|travel|reverse|walk)\b"
        r"|(?:^| )가(?!리|르|만)|가 ?(?:줘|주|봐|세요|십|라|자)|이동|움직|전진|후진|직진"
        r"|(?:^| )간$|와$|와 |오세요|물러|다가|나아")  # fmt: skip
GO_AHEAD = r"^go ahead$"
"""Leave to begin, not a way to go."""
A_LITTLE = r"\b(?:a (?:little|bit|tad)(?: bit)?(?: more)?|slightly)\b|조금|약간|살짝|좀만"

GREETING = (r"^(?:hello|hi|hey|good (?:morning|afternoon|evening)|nice to meet you)(?: there| robot| everyone)?$"
            r"|^(?:안녕|안녕하세요|안녕하십니까|반가워요?|반갑습니다|하이|헬로)(?: 로봇(?:아)?)?$")  # fmt: skip
FAREWELL = (r"^(?:bye|bye bye|goodbye|good bye|see you|see you later|good night)(?: robot)?$"
            r"|^(?:잘 ?가요?|잘 ?있어요?|안녕히 (?:가세요|계세요)|바이바이|또 봐요?|잘 ?자요?)$")  # fmt: skip

# Between clauses. In Korean also the endings -고 and -면서, which leave the verb's stem behind.
THEN = (r"\s*\|\s*(?:(?:and|then|next|finally|그리고|그러고|그다음에?|그 다음에?) )*"
        r"| (?:and then|after that|and after that|and also|and|then|followed by) "
        r"|(?:하)?고 (?:나서 )?(?:그리고 )?(?:그 ?다음에? )?| 그리고 (?:나서 )?| ?(?:그런 |그 )?다음에? |그러고 나서 "
        r"|(?<=[은한간든본돈린춘]) ?(?:뒤에?|후에?) ")  # fmt: skip
WHILE = r" (?:while|at the same time as) |(?:하면서|으면서|면서)(?:도)? | 동시에 "

# What an utterance may hold besides the words that a rule reads. All else means something that is not known here.
_AUXILIARY = (
    r"(?:해|하)?(?:줘|줄래|주[라세시실십]|봐|볼래|보[렴세십자])[가-힣]*|해|해요|하세요|하자|해라|하십시오|할래|할래요"
)
FILLER = (r"an?|the|to|your|yours?elf|you|me|my|us|with|of|for|by|just|then|so|ok|okay|again|first|finally|"
          r"about|approximately|roughly|straight|towards?|side|direction|"
          rf"나(?:를|한테|에게)?|저(?:를|한테|에게)?|우리(?:를|한테|에게)?|쪽(?:을|으로)?|방향(?:을|으로)?|다시|더|먼저|여기서"
          rf"|{_AUXILIARY}")  # fmt: skip
NO_ENDING = "않|못|았|었|했|마이너스|음수|미터|메터|센티|센치|밀리|킬로|마일|라디안|바퀴|걸음|발짝"
"""What no ending of a Korean stem holds: it was not meant, it is over, or words were written together."""
SAYING = (r"\b(?:say|announce|shout|repeat|tell|this|that|to (?:the |my |your )?\w+)\b"
          r"|(?:이)?라고|말|얘기|이야기|외[치쳐]|소리|(?<!\S)[가-힣]+(?:에게|한테|께)(?!\S)")  # fmt: skip
YES, NO = r"\byes\b", r"\bno\b"
WAVED = r"\b(?:give|at|hello|hi|bye|goodbye)\b|들어"
AT = r"\b(?:at|in front of)\b"
HANDS = r"\b(?:hands?|arms?|fingers?)\b|손|팔"
STILL = r"\b(?:in place|on the spot)\b|제자리에서"
GOING_HOME = rf"{MOVE}|\b(?:get|return|take|back|into|in|position|pose|posture)\b|돌아|복귀|자세"
SHOWN = (r"\b(?:be|look|act|make|show|express|give|pretend|put|try|are|on|face|expression|feeling|like|big)\b"
         r"|표정|얼굴|척|지어|짓|보여|바꿔|활짝|환하게|방긋")  # fmt: skip
MOVED_HEAD = r"\b(?:turn|move|raise|lift|lower)\b|돌|움직|올[리려]|내[리려]|들|숙|향"
TAKEN = r"\b(?:take|in reverse)\b|쭉"
MADE = r"\b(?:make|do|to face)\b"

POLITE = (r"\b(?:please|i want you to|i'?d like you to|i would like you to|let'?s|"
          r"could you|can you|would you|will you|kindly|now|right now|hey robot|ok robot|robot)\b")  # fmt: skip

WISHED = (r"\b(?:it (?:would|'d) be|it'd be|that would be) (?:(?:so|really|very|just|quite) )?"
          r"(?:nice|great|lovely|good|wonderful|kind|helpful|perfect|cool|best|funny|fun) if "
          r"(?:you (?:could |would |'d )?)?")  # fmt: skip
"""A wish that says no more than "please"."""

CALLED = (r"^(?:(?:hey|hi|hello|yo|ok|okay|um+|uh+|so|well)\b[\s,.!]*)*(?:there[\s,]+)?"
          r"(?:(?:mr|mister)\.? )?robot[\s,.:!]+(?=\S)")  # fmt: skip
"""Calls it by what it is before it is asked: "hey robot grab the cup" is no greeting."""
TO_US = r"\b(give|hand|pass|bring|get|fetch|grab) us\b"
"""One robot, one who asks."""
BACK = (
    r"\b(?:(?:same|original) (?:place|spot|position|location)|back in (?:its|the) place|"
    r"where (?:it|you) (?:was|were|got|took|found|came|stood|picked|had|used)|"
    r"(?:place|spot|position) (?:(?:that |where )?(?:you|it) |it'?d ))"
    r"|있던 ?(?:곳|자리|데|위치)|제자리|원래(?: 있던)? ?(?:자리|위치|곳|대로)|원위치|같은 (?:자리|곳)"
)
"""Where something stood."""
SHOWN_THERE = (
    r"^(?:(?:do |can )?you|ya) see\b|^see (?:the|that|this|those)\b"
    r"|(?:보이|(?<!수 )있)(?:지|죠|지요|니|나|나요|냐|어요|세요|시죠)$"
)
"""Names a thing that the rest is about: "you see the cup?", "저기 컵 보이지?\"."""
INSTEAD = r"\b(?:instead(?! of)|rather than that)\b|대신(?! ?[가-힣]+ ?(?:해|하))"
COURTESY = (
    r"(?:\s|[,.!?~…]|\b(?:um+|uh+|hm+|hey|hi|hello|oh|ok|okay|so|well|alright"
    r"|all right|right|robot|buddy|there|actually|"
    r"please|thanks(?: a lot)?|thank you|thx|cheers|(?:wo|would|could|can|are|is"
    r"|does|do|was)(?:n'?t)? (?:you|ya|it)|"
    r"will (?:you|ya)|if you (?:can|could|don'?t mind|please|would|like)"
    r"|if possible|when you (?:can|have a \w+|get a \w+)|"
    r"for me|maybe|now|sorry|excuse me|one more thing|listen|love|dear|mate|pal|man"
    r"|honey|sweetie|yeah|yes|understood|"
    r"in (?:that|this) order|go on(?: then)?|go ahead|come on|do it(?: then)?|there'?s a good robot"
    r"|let me (?:think|see)|real quick|again|then)\b"
    r"|(?<![가-힣])(?:음+|어+|아+|저기요?|저|혹시|있잖아요?|로봇아|로봇|야|얘야|친구야|자|응|네|그래|그러니까|그"
    r"|미안(?:한데|하지만|해)?|죄송(?:한데|하지만|해요)?|괜찮(?:으면|으시면|다면)|가능하(?:면|시면)|시간 되(?:면|시면)"
    r"|부탁(?:해|해요|드려요|드립니다|할게|할게요)|고마워요?|감사해요|감사합니다|얼른|빨리|지금|이제|좀|제발|일단|우선"
    r"|그럼|그러면|그리고"
    r"|알았지|알겠(?:지|어|니)|이해했(?:지|어|니)|할 수 있(?:지|어|니|겠지|겠어|나요)"
    r"|어서|(?:한번 )?해 ?봐)(?![가-힣]))*"
)
"""A clause of nothing but these asks for nothing."""
CONDITION = (
    r"\b(?:if|unless|only|until|except|not|never|no)\b|n't\b|만약|(?:으면|하면|기 전|까지만|않|안 |못 |지 ?마|지 ?말)"
)
"""What a remark does not hold that may be passed over."""
INVITES = r"\b(?:why don'?t you|don'?t you|would(?:n'?t)? you mind|don'?t (?:forget|mind)|if you don'?t mind)\b"
"""Negations that are none."""

AT_ME = (r"\b(?:at me|on me|me in the eyes?|into my eyes|me)\b"
         r"|(?<![가-힣])(?:나|날|저|절|내|제)(?:를|을)?(?:\s*(?:얼굴|눈))?(?:을|를)?(?=\s|$)"
         r"|(?<![가-힣])(?:눈으로|시선)")  # fmt: skip
WATCH = (r"\b(?:keep looking|keep watching|keep your eyes?|keep an eye|look|watch|follow)\b"
         r"|지켜|쳐다|바라|(?<![가-힣])(?:봐|보고|볼래|보세요|보렴)|따라")  # fmt: skip
LONG = r"\b(?:keep|watch|follow)\b|계속|지켜|따라|눈을 떼지"
"""Not a glance."""
WALKING, EYES = r"\bfollow\b|따라", r"\b(?:eyes?|gaze|head)\b|눈|시선|고개"
"""To follow is to walk, unless it is done with the eyes."""
WATCHED = r"\b(?:with your (?:eyes?|gaze|head)|closely|carefully|the whole time|all the time)\b|계속|잘|똑바로|있|눈"
