import { listedTerms } from './listed-terms';

/**
 * Words of nudity and sex. They refuse nothing by themselves: they only decide that a text about someone who may be a
 * minor is refused. So they may be broad, yet leave out what a family's beach day needs (`swimsuit`).
 */
export const latinSexualTerms: readonly string[] = listedTerms(`
  English:
    nude, nudes, nudity, nudist, nudism, naked, nakedness, unclothed, undressed, undressing, unclad, disrobed,
    topless, bottomless, bare chest, bare chested, bare breast, bare breasted, bare breasts, bare ass, bare
    bottom, without clothes, no clothes, wearing nothing, nothing on, clothes off, strips, stripping,
    stripped, striptease, stripper, birthday suit, nsfw, xxx, explicit content, x rated, r18, r 18, sex,
    sexy, sexual, sexually, sexualized, sexualised, sexiest, sexting, horny, aroused, arousal, erotic,
    erotica, eroticism, seductive, seductively, seducing, sensual, sensually, provocative, provocatively,
    suggestive pose, lewd, lewds, ecchi, hentai, ahegao, porn, porno, pornographic, pornography, fetish,
    bdsm, bondage, kink, kinky, orgy, orgasm, orgasmic, masturbate, masturbating, masturbation, fuck,
    fucked, fucking, fucks, blowjob, blowjobs, blow job, handjob, hand job, footjob, foot job, deepthroat,
    fellatio, cunnilingus, rimjob, creampie, cream pie porn, gangbang, intercourse, penetration, penetrated,
    missionary position, doggystyle, doggy style, cowgirl position, cum, cumming, cumshot, semen, sperm,
    ejaculation, breasts, boobs, boob, tits, titties, titty, cleavage, nipple, nipples, areola, areolae,
    genital, genitals, genitalia, vagina, vaginal, vulva, labia, clitoris, clit, pussy, pussies, penis,
    penises, dick, dicks, cock, cocks, erection, testicles, balls deep, anus, anal, butt, butthole, asshole,
    ass, booty, buttocks, bum hole, cameltoe, camel toe, pubic, pubes, lingerie, underwear, panties, panty,
    thong, g string, bra, bras, bralette, negligee, babydoll, upskirt, up skirt, see through, micro bikini,
    sling bikini, spread legs, legs spread, spreading legs, spread eagle, on all fours, moaning, rape,
    raped, molest, molested, molesting, incest, onlyfans, slut, slutty, whore, escort, prostitute, milf,
    dildo, vibrator, buttplug, butt plug, deflower, deflowered, lolicon, shotacon, pedo, pedophile,
  Misspelt:
    nekkid, nakid, nood, noods, nekid, pr0n, pron, secks, segs, seggs, secsy, n00d, boobies, bewbs, fuk, phuck,
  Spanish, Portuguese:
    desnuda, desnudas, desnudo, desnudos, desnudez, nua, nuas, nu, nus, pelada, pelado, nudez, sexo, sexi,
    sexual, sexuales, sexuais, erotico, erotica, pornografia, tetas, pechos, pezones, seios, peitos, mamilos,
    en cueros, sin ropa, sem roupa, ropa interior, lenceria, calcinha, bragas, sutia, sujetador, follar,
    follando, coger desnuda, transando, foder, fodendo, buceta, coño, polla, verga, pene, culo, bunda,
  French:
    nue, nues, nudite, seins, tetons, erotique, sexe, sexuel, sexuelle, porno, pornographique, sous vetements,
    culotte, soutien gorge, deshabillee, deshabille, seins nus, baise, baiser nue, chatte, bite, fesses,
    sans vetements, denudee,
  German, Dutch:
    nackt, nackte, nackter, nacktes, nackten, nacktheit, entbloesst, entblosst, entkleidet, unbekleidet, oben
    ohne, bruste, brueste, busen, titten, sexuell, sexuelle, erotisch, erotische, erotik, unterwasche,
    unterwaesche, dessous, hoschen, hoeschen, ficken, fickt, muschi, schwanz, arsch, po, naakt, naakte,
    borsten, tieten, ontkleed, ondergoed, seks, seksueel, neuken, kutje, ontbloot,
  Italian:
    nuda, nude, nudo, nudi, nudita, seno nudo, tette, capezzoli, sesso, sessuale, erotico, erotica, senza
    vestiti, mutandine, reggiseno, intimo, scopare, scopata, fica, figa, cazzo, spogliata, svestita,
  Polish, Turkish, Indonesian, Vietnamese, Scandinavian:
    naga, nagi, nagie, nagosc, seks, seksowna, piersi, cycki, bielizna, rozebrana, ciplak, seksi, cinsel,
    erotik, ic camasiri, memeler, telanjang, bugil, seks, seksi, payudara, pakaian dalam, khoa than, khieu
    dam, tinh duc, nogen, nogne, naken, nakne, nakna, bryster, brost, undertoj, underklader, sex,
  Czech, Hungarian, Finnish, Romanian, Filipino:
    naha, nahe, nahota, meztelen, szex, szexi, alaston, alasti, seksi, goala, dezbracata, hubad, hubo,
  Transliterations:
    golaya, golaia, obnazhennaya, hadaka, oppai, ero, ecchi, luoti, seks,
`);

/** Sexual words that are found however they are broken up or starred out. */
export const breakableSexualTerms: readonly string[] = listedTerms(`
  nude, naked, topless, nipples, pussy, porn, hentai, lingerie, nudity, blowjob, erotic, nsfw, sexual,
`);

/** Words of scripts without letter case, and stems: found anywhere in a text. */
export const nativeSexualTerms: readonly string[] = listedTerms(`
  Russian, Ukrainian:
    голая, голый, голую, голой, голые, голым, голышом, обнажен, обнажён, нагая, нагой, нагую, нагота, нагишом, раздет,
    без одежды, топлес, сексуал, эроти, порно, грудь, груди, сиськ, соски, нижнее бель, нижнем бель, трусик, лифчик,
    трах, ебать, ебёт, минет, киск, влагалищ, гола, оголен, роздягн, без одягу, сексуальн,
  Chinese, Japanese:
    裸, 全裸, 一丝不挂, 一絲不掛, 性感, 色情, 情色, 淫, 乳房, 乳头, 乳頭, 乳首, 胸部, 内衣, 內衣, 内裤, 內褲, 性交, 做爱, 做愛, 性爱,
    脱衣, 露点, 露點, 阴部, 陰部, 下着, パンツ, パンティ, ブラジャー, ヌード, エロ, えっち, エッチ, おっぱい, セックス, セクシー, ポルノ,
    はだか, ハダカ, 脱い, 巨乳, 貧乳, フェラ, 官能,
  Korean:
    누드, 알몸, 나체, 벗은, 벌거벗, 섹스, 섹시, 야한, 에로, 포르노, 가슴 노출, 젖꼭지, 유두, 속옷, 팬티, 란제리, 상의 탈의, 음란, 성인물,
  Arabic, Persian:
    عارية, عاري, عراة, عري, جنس, مثيرة, إباحي, اباحي, نهود, ثدي, ملابس داخلية, برهنه, لخت, سکسی, سکس,
  Hindi, Bengali, Thai:
    नग्न, नंगी, नंगा, नंगे, सेक्स, सेक्सी, कामुक, अश्लील, स्तन, উলঙ্গ, নগ্ন, যৌন, เปลือย, โป๊, เซ็กซ์, เซ็กซี่, นู้ด, แก้ผ้า,
  Greek, Hebrew:
    γυμν, σεξ, ερωτικ, πορνο, στήθος, εσώρουχ, עירום, ערום, עירומה, ערומה, סקס, ארוטי, פורנו, חזה חשוף, תחתונים,
  Pictures:
    🔞,
`);
