import { listedTerms } from './listed-terms';

/**
 * Words that make a person under 18 of whoever they describe. Written as people write them; the matcher normalises
 * them like a text. A space stands for any separator or none. Inflections are listed, because stems catch too much
 * (`infant` in `infantry`).
 */
export const latinTerms: readonly string[] = listedTerms(`
  English:
    child, childs, children, childlike, childish, childhood, kiddo, kiddie, kiddies, kiddy, teen, teens, teenage,
    teenaged, teenager, teenagers, teenie, teenybopper, tween, tweens, pre teen, pre teens, pre teenager,
    adolescent, adolescents, adolescence, juvenile, juveniles, school girl, school girls, school boy,
    school boys, school kid, school kids, school child, school children, school uniform, school age,
    school aged, high school, high schooler, high schoolers, middle school, middle schooler, junior high,
    grade school, grade schooler, elementary school, primary school, elementary student, pre school, pre
    schooler, kindergarten, kindergartener, kindergartner, kindergarteners, seventh grader, eighth grader,
    ninth grader, tenth grader, fifth grader, sixth grader, first grader, second grader, third grader,
    fourth grader, toddler, toddlers, infant, infants, infantile, new born, new borns, little girl, little
    girls, little boy, little boys, lil girl, lil boy, young girl, young girls, young boy, young boys,
    small girl, small boy, tiny girl, girl child, boy child, child girl, little daughter, young daughter,
    little sister, little brother, girl scout, boy scout, under age, under aged, underaged, minors, jail
    bait, barely legal, not of age, not yet of age, loli, lolis, lolita, lolitas, lolicon, lolikon, lolli
    con, shota, shotas, shotacon, rorikon, nymphet, nymphets, pubescent, prepubescent, pre pubescent, pre
    pubertal, puberty, pre puberty, pedo, paedo, pedophile, pedophilia, paedophile, paedophilia, age play,
    age regression, baby face, baby faced, youngster, youngsters, sweet sixteen, sweet 16, quinceanera,
    seifuku, young looking teen, looks underage, schoolage, orphan girl, orphan boy, juvie, wee lass,
    baby girl, baby girls, baby boy, baby boys, dd lg, ddlgb, md lb, cg lg, cglre, ab dl, ageplay, littlespace,
    cunny, cunnies, toddler con, toddler kon, kodocon, kodo con, hebephile, hebephilia, ephebophile,
    ephebophilia, pthc, sixth former, school gal, school lass, school lad,
  English, misspelt:
    tennager, tennagers, tenager, tenagers, teanager, teneger, teeneger, teenger, teenagr, tinager, school
    gurl, school gurls, school grl, skool girl, skool girls, skool gurl, skool gurls, skool boy, scool girl,
    shool girl, schol girl, yung girl, yng girl, littl girl, lil gurl, little gurl, chld, chyld, chield,
    kidz, undrage, undarage, jailbate, lowli, toddlr,
  Spanish, Portuguese:
    adolescente, adolescentes, menor de edad, menores de edad, menor de idade, menores de idade,
    colegiala, colegialas, colegial, colegiais, chiquilla, chiquillo, chiquita menor, muchachita, pequena
    nina, nina pequena, infantil, quinceañera, escolar, criatura menor, crianca, criancas, menina,
    meninas, menininha, menino, meninos, garotinha, garotinho, novinha, bebe recem nascido, jovencita,
    jovencito, niñita, niñito, chavalita,
    ensino medio, ensino fundamental, escola primaria, escola secundaria, aluna do colegio, estudante do
    secundario, estudiante de secundaria, estudiante de primaria, alumna de secundaria, alumna de primaria,
    escuela primaria, escuela secundaria, uniforme escolar,
  French:
    enfant, enfants, fillette, fillettes, gamines, garconnet, petite fille, petites filles, petit garcon,
    jeune fille, jeunes filles, adolescents, mineure, mineures, ecoliere, ecolieres, ecolier, lyceenne,
    lyceennes, lyceen, collegienne, collegiennes, nourrisson, pre ado, ado fille,
    ecole primaire, eleve de college, eleve de lycee, uniforme scolaire,
  German, Dutch:
    kinder, kindlich, kindliche, kleinkind, kleines kind, ein kind, das kind, madchen, maedchen,
    schulmadchen, schulerin, schuelerin, schulkind, jugendliche, jugendlicher, jugendlichen, minderjahrig,
    minderjahrige, minderjahriger, minderjahrigen, minderjaehrig, minderjaehrige, saugling, halbwuchsige,
    kleiner junge, teenies, meisje, meisjes, schoolmeisje, schoolmeisjes, kleuter, kleuters, tiener,
    tieners, peuter, minderjarig, minderjarige, minderjarigen, een kind, het kind, kinderen, jongetje,
    kindje, gymnasiastin, grundschule, grundschulerin, schuluniform, basisschool, middelbare scholier,
  Italian:
    bambina, bambine, bambino, bambini, bimba, bimbe, bimbo piccolo, ragazzina, ragazzine, ragazzino,
    adolescenti, minorenne, minorenni, scolaretta, scolarette, fanciulla, fanciulle, liceale, liceali,
    neonata, neonato, quattordicenne, quindicenne, sedicenne, diciassettenne, tredicenne, dodicenne,
    undicenne, decenne,
    scuola media, scuola elementare, studentessa del liceo,
  Polish, Turkish, Indonesian, Vietnamese, Scandinavian:
    dziecko, dzieci, dziewczynka, dziewczynki, nastolatka, nastolatki, nieletnia, nieletni, cocuk,
    cocuklar, kiz cocugu, ergen, liseli, anak kecil, gadis kecil, anak perempuan, di bawah umur, tre em,
    be gai, hoc sinh, barn flicka, skolflicka, tonaring, tonaringar,
    uczennica, uczennice, licealistka, gimnazjalistka, kucuk kiz, kucuk kizlar, kucuk cocuk, kucuk oglan,
    lise ogrencisi, lise ogrencileri, ortaokul, ilkokul, siswi sma, siswi smp, anak sma, anak smp, gadis
    cilik, nu sinh, lille pige, lille dreng, smapige, smapiger, skolepige, skolepiger, liten jente, lita
    jente, skolejente, skolejenter, skolpojke, smaflicka, liten flicka, tenaring, tenaringer, mindrearig,
    mindrearige, minderarig, omyndig,
  Czech, Hungarian, Finnish, Romanian, Filipino:
    holcicka, holcicky, skolacka, nezletila, nezletily, kislany, kisfiu, kiskoru, gyerek, pikkutytto, lapsi,
    lapset, alaikainen, koulutytto, koululainen, fetita, fetite, copila, batang babae, dalagita,
  Transliterations:
    shoujo, shojo, shounen, jk girl, joshi kousei, devochka, shkolnitsa, podrostok, maloletka, yeogosaeng,
    luoli,
`);

const kidGoods = 'leather|gloves?|skin|suede|boots?|mohair';

/**
 * Words that are innocent in some company: the term, and what may follow it. Nothing else may.
 * `minor` is an adjective as often as a person.
 */
export const latinTermsUnless: readonly (readonly [term: string, harmlessNext: string])[] = [
  ['kid', kidGoods],
  ['kids', 'leather|gloves?'],
  ['ki d', kidGoods],
  ['k id', `${kidGoods}|photos?|cards?|badges?|numbers?|documents?`],
  ['baby', 'blue|pink|yellow|doll|oil|powder|hairs?|bangs|grand|tee|t shirt|bump|s breath|breath'],
  ['babies', 's breath'],
  [
    'minor',
    'keys?|chords?|scales?|details?|scratch|scratches|scars?|blemish|blemishes|flaws?|imperfections?|injury|injuries|' +
      'adjustments?|changes?|edits?|grain|noise|blur|planet|arcana|third|league',
  ],
];

/**
 * Words that are found however they are broken up or starred out (`te en`, `ch*ld`). Only such as two innocent words
 * do not make by standing side by side (`men in a`, `shot a`).
 */
export const breakableTerms: readonly string[] = listedTerms(`
  teen, teens, child, loli, lolita, schoolgirl, schoolboy, schoolkid, underage, preteen, teenager,
  teenage, lolicon, shotacon, toddler, prepubescent, pedophile, paedophile, adolescent, kindergarten,
  children, minderjahrig, minorenne, jailbait,
`);

/** Words of scripts without letter case, and Cyrillic stems: found anywhere in a text. */
export const nativeTerms: readonly string[] = listedTerms(`
  Russian, Ukrainian:
    ребенк, ребёнок, детск, девочк, мальчик, школьни, подрост, малолет, несовершеннолет, младен, малыш,
    лолит, лоликон, тинейдж, юная девоч, дитин, дівчинк, хлопчик, підліт, неповноліт, летняя школ,
    первоклассн, старшеклассн, гимназистк, нимфетк, девчонк, девчуш, малютк, школяр,
  Chinese:
    小孩, 孩子, 孩童, 儿童, 兒童, 幼女, 幼童, 女童, 男童, 未成年, 少女, 少年, 萝莉, 蘿莉, 罗莉, 正太, 小学生, 小學生, 初中生, 高中生, 中学生, 中學生, 小女孩,
    小男孩, 婴儿, 嬰兒, 幼儿, 幼兒, 幼齿, 学生妹, 學生妹, jk制服, jk裙, jk妹, 校服, 女学生, 女學生, 高中女, 初中女,
  Japanese:
    子供, 子ども, こども, コドモ, 幼児, 児童, 女子高生, 女子中学生, 女子小学生, 高校生, 男の子, 女の子, ロリ, ショタ, 赤ちゃん, 園児, ランドセル, 童女, 幼い,
    じょしこうせい, しょうじょ, 現役jk, jkの, セーラー服, スクール水着, 学生服, 小学校, 中学校,
  Korean:
    어린이, 어린아이, 꼬마, 소녀, 소년, 미성년, 여고생, 여중생, 남고생, 초등학생, 중학생, 고등학생, 고딩, 중딩, 초딩, 로리타, 로리콘, 쇼타, 갓난아기, 유아, 십대, 10대,
    여자아이, 남자아이, 여학생, 교복, 청소년,
  Arabic, Persian:
    طفل, طفلة, أطفال, قاصر, مراهقة, مراهق, فتاة صغيرة, بنت صغيرة, تلميذة, رضيع, دختر بچه, کودک, نوجوان,
  Hindi, Bengali, Thai:
    बच्चा, बच्ची, बच्चे, नाबालिग, किशोरी, स्कूली लड़की, শিশু, কিশোরী, নাবালিকা, เด็ก, ผู้เยาว์, นักเรียน, วัยรุ่น,
  Greek, Hebrew:
    κοριτσάκι, κοριτσάκια, αγοράκι, ανήλικ, έφηβ, μαθήτρια, νήπι, παιδί, παιδάκι, ילדה, ילדות, ילדים, ילדונת, קטינה,
    קטינות, נערה, נערות, תינוק, תיכוניסט,
  Pictures:
    👶, 🧒, 👧, 👦, 🚸,
`);

/** Russian words too short to be looked for inside others. */
export const cyrillicWords: readonly string[] = listedTerms(`
  дети, детей, детям, дитя, лоли, шота, ребята, діти, юная, юной, юную, юные, юных, юну, юної, юненькая,
`);

/** Words that lose their meaning with their accent: a `Nina` is no `niña`. */
export const accentedWords: readonly string[] = listedTerms(`
  niña, niñas, niño, niños, bebé, bebés, bébé, bébés, cô bé, cậu bé, bé gái, bé trai, em bé,
`);

/** Phrases with a word of the lists that are about something else. */
export const harmlessPhrases: readonly string[] = ["child's pose", 'child’s pose'];
