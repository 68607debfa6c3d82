<?php
// values: made-up PHP values of every kind that serialize() can write.

namespace WaTests;

class Open
{
    public $a = 1;
    protected $b = [1, 'two' => null];
    private $c = "}\";i:1;";
    public ?Open $other = null;
}

class Child extends Open
{
    private $c = 'another of this name';
    public readonly int $fixed;

    public function __construct()
    {
        $this->fixed = -5;
    }
}

class Packed
{
    public function __construct(private array $data = [])
    {
    }

    public function __serialize(): array
    {
        return $this->data;
    }

    public function __unserialize(array $data): void
    {
        $this->data = $data;
    }
}

class Sleeper
{
    public $kept = 'kept';
    public $left_out = 'left out';
    private $hidden = ['x' => 1.5];

    public function __sleep()
    {
        return ['kept', 'hidden'];
    }
}

// The old way, which writes "C:"; PHP warns of it where it is declared.
class Own implements \Serializable
{
    public function __construct(private string $text = '')
    {
    }

    public function serialize()
    {
        return $this->text;
    }

    public function unserialize($text)
    {
        $this->text = $text;
    }
}

enum Suit
{
    case Hearts;
    case Spades;
}

enum Level: string
{
    case Low = 'low';
    case High = 'high';
}

function pick(array $choices)
{
    return $choices[mt_rand(0, count($choices) - 1)];
}

function bytes(int $length): string
{
    $text = '';
    for ($i = 0; $i < $length; $i++) {
        $text .= chr(mt_rand(0, 255));
    }
    return $text;
}

function text(): string
{
    switch (mt_rand(0, 6)) {
        case 0:
            return '';
        case 1:
            return bytes(mt_rand(0, 40));
        case 2:
            return str_repeat(pick(['ä', '😀', "\0", 'x', '"', '€']), mt_rand(1, 300));
        case 3:
            return serialize([text(), mt_rand(), null]);
        case 4:
            return (string) mt_rand(-50, 50);
        case 5:
            return pick(['";}', '}', '{', 'a:1:{', 'i:1;', 's:1:"a";', 'N;', "\r\n", 'current_workspace']);
        default:
            return substr(str_shuffle('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-'), 0,
                mt_rand(1, 40));
    }
}

function number(): int
{
    return pick([0, 1, -1, 42, PHP_INT_MAX, PHP_INT_MIN, mt_rand(), -mt_rand(), mt_rand() << 31 | mt_rand()]);
}

function real(): float
{
    return pick([0.0, -0.0, 0.1, -2.5, 1e25, -1e25, 1e-7, 1.5e300, PHP_FLOAT_MIN, PHP_FLOAT_MAX, PHP_FLOAT_EPSILON,
        4.9e-324, INF, -INF, NAN, 1 / 3, 100000000000000000000.0, mt_rand() / 7]);
}

function key(): int|string
{
    return mt_rand(0, 2) ? text() : number();
}

function members(int $depth, int $max): array
{
    $array = [];
    for ($i = mt_rand(0, $max); $i > 0; $i--) {
        $array[key()] = value($depth - 1);
    }
    return $array;
}

function object(int $depth): object
{
    $inner = $depth > 0 ? members($depth - 1, 3) : [];
    switch (mt_rand(0, 15)) {
        case 0:
            return new \stdClass();
        case 1:
            return (object) $inner;
        case 2:
            $open = new Open();
            $open->other = pick([null, $open, new Child()]);
            return $open;
        case 3:
            return new Child();
        case 4:
            return new Packed($inner);
        case 5:
            return new Sleeper();
        case 6:
            return new Own(text());
        case 7:
            return pick([Suit::Hearts, Suit::Spades]);
        case 8:
            return pick([Level::Low, Level::High]);
        case 9:
            return new \DateTimeImmutable('@' . mt_rand());
        case 10:
            return new \DateTime('2025-11-14 03:04:05', new \DateTimeZone('Asia/Jakarta'));
        case 11:
            return new \ArrayObject($inner);
        case 12:
            $storage = new \SplObjectStorage();
            $storage[new \stdClass()] = $inner;
            return $storage;
        case 13:
            return \SplFixedArray::fromArray([1, null, 'x']);
        case 14:
            $queue = new \SplQueue();
            $queue[] = $inner;
            return $queue;
        default:
            return new \DateInterval('P1Y2M3DT4H5M6S');
    }
}

function value(int $depth)
{
    switch (mt_rand(0, $depth > 0 ? 8 : 5)) {
        case 0:
            return null;
        case 1:
            return (bool) mt_rand(0, 1);
        case 2:
            return number();
        case 3:
            return real();
        case 4:
        case 5:
            return text();
        case 6:
            return object($depth);
        default:
            return members($depth, 5);
    }
}

/** Let some members be references to others, or to what is inside of another. */
function tie(array $array): array
{
    $keys = array_keys($array);
    for ($i = mt_rand(0, 3); $i > 0 && count($keys) > 1; $i--) {
        $from = pick($keys);
        $to = pick($keys);
        if ($from === $to) {
            continue;
        }
        if (is_array($array[$to]) && $array[$to] !== [] && mt_rand(0, 1)) {
            $inner = array_key_first($array[$to]);
            $array[$from] = &$array[$to][$inner];
        } elseif (!is_array($array[$to])) {
            $array[$from] = &$array[$to];
        }
    }
    return $array;
}

/** An array as a session may be one: any members, and some that are references. */
function outermost(): array
{
    $array = members(mt_rand(1, 5), 12);
    return mt_rand(0, 3) ? $array : tie($array);
}
