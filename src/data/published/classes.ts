/** Class names in the order of the official labels. */

export const CIFAR10_CLASSES = words('airplane automobile bird cat deer dog frog horse ship truck');

/** The fine labels: `fine_label_names.txt` of the official archive. */
export const CIFAR100_CLASSES = words(`
  apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle
  bowl boy bridge bus butterfly camel can castle caterpillar cattle
  chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur
  dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard
  lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain
  mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree
  plain plate poppy porcupine possum rabbit raccoon ray road rocket
  rose sea seal shark shrew skunk skyscraper snail snake spider
  squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
  train trout tulip turtle wardrobe whale willow_tree wolf woman worm
`);

/** The fine labels of each coarse one, in the order of `coarse_label_names.txt`: aquatic mammals, fish, flowers, … */
const CIFAR100_SUPERCLASSES = `
  beaver dolphin otter seal whale
  aquarium_fish flatfish ray shark trout
  orchid poppy rose sunflower tulip
  bottle bowl can cup plate
  apple mushroom orange pear sweet_pepper
  clock keyboard lamp telephone television
  bed chair couch table wardrobe
  bee beetle butterfly caterpillar cockroach
  bear leopard lion tiger wolf
  bridge castle house road skyscraper
  cloud forest mountain plain sea
  camel cattle chimpanzee elephant kangaroo
  fox porcupine possum raccoon skunk
  crab lobster snail spider worm
  baby boy girl man woman
  crocodile dinosaur lizard snake turtle
  hamster mouse rabbit shrew squirrel
  maple_tree oak_tree palm_tree pine_tree willow_tree
  bicycle bus motorcycle pickup_truck train
  lawn_mower rocket streetcar tank tractor
`
  .trim()
  .split('\n')
  .map(words);

/** The coarse label of each fine one. */
export const CIFAR100_COARSE = CIFAR100_CLASSES.map((fine) =>
  CIFAR100_SUPERCLASSES.findIndex((names) => names.includes(fine)),
);

export const MNIST_CLASSES = words('0 1 2 3 4 5 6 7 8 9');

export const FASHION_MNIST_CLASSES = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
];

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
