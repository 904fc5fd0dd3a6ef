import { listedTerms } from './listed-terms';

/**
 * Words that ask for nudity or sex and mean little else. Narrow on purpose, because each refuses a request that does not
 * declare `nsfw`: no underwear, no `sexy`, no medicine. The broad list is `latinSexualTerms`.
 */
export const explicitTerms: readonly string[] = listedTerms(`
  English:
    nudes, nsfw, x rated, r18, full frontal, bottomless, topless woman, topless women, topless lady, topless
    girl, bare breasts, bare breasted, exposed breasts, exposed nipples, nipples, areola, areolae, genitals,
    genitalia, vagina, vulva, labia, clitoris, pussy, penis, penises, dick pic, porn, porno, pornographic,
    pornography, hentai, ahegao, blowjob, blow job, handjob, hand job, deepthroat, fellatio, cunnilingus,
    rimjob, creampie, gangbang, orgy, orgasm, masturbating, masturbation, masturbates, having sex, sex scene,
    sex act, sexual intercourse, doggystyle, cumshot, cum on her, cum on his, ejaculation, spread legs naked,
    bdsm, dildo, vibrator, buttplug, without clothes, wearing nothing, fucking, fucked,
  Spanish, Portuguese:
    desnuda, desnudas, desnudo, desnudos, pelada, sin ropa, sem roupa, pezones, mamilos, pornografia,
  French:
    seins nus, entierement nue, toute nue, sans vetements, pornographique,
  German, Dutch:
    nackt, nackte, nackter, nackten, splitternackt, unbekleidet, naakt, naakte, pornografisch,
  Italian:
    completamente nuda, senza vestiti, capezzoli, pornografico,
  Polish, Turkish, Indonesian, Vietnamese, Scandinavian:
    rozebrana, ciplak, telanjang, bugil, khoa than, nogen, naken,
`);

/** The same, but for what may follow them: a colour, a figure of speech, a painting. */
export const explicitTermsUnless: readonly (readonly [term: string, harmlessNext: string])[] = [
  [
    'nude',
    'lips?|lipsticks?|gloss|makeup|make up|heels?|high heels?|pumps?|shoes?|sandals?|colou?rs?|colou?red|tones?|shades?|nails?|polish|' +
      'palettes?|beige|pink|dress|dresses|bodysuit|tights|stockings|blush|eyeshadow|manicure|leather|fabric|background',
  ],
  ['naked', 'eye|eyes|truth|cake|cakes|bike|flame|flames|bulbs?|brick|branches|trees?'],
  ['undressed', 'wood|salad|stone|lumber'],
];

/** Words of scripts without letter case, and stems: found anywhere in a text. */
export const nativeExplicitTerms: readonly string[] = listedTerms(`
  Russian, Ukrainian:
    голая, голую, голой, обнажен, обнажён, порно, оголена,
  Chinese, Japanese, Korean:
    全裸, 裸体, 裸體, 裸女, 色情, 性交, ヌード, ポルノ, セックス, 누드, 알몸, 나체, 포르노,
  Arabic, Hindi, Thai, Greek, Hebrew:
    عارية, إباحي, नग्न, अश्लील, เปลือย, โป๊, γυμν, עירום, ערומה,
`);
