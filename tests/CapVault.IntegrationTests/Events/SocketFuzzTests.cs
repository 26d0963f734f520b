using System.Buffers.Binary;
using System.Text;
using CapVault.Relayer.Events;
using Microsoft.Extensions.DependencyInjection;

namespace CapVault.IntegrationTests;

/// <summary>Handshakes and bytes below what any WebSocket client would send.</summary>
public sealed class SocketFuzzTests(WorldSandbox sandbox) : IClassFixture<WorldSandbox>
{
    private const string Subscribe = """{"frame":"subscribe","id":"1","after":"oldest","types":["order_*"],"audience":"all","autoAck":true}""";

    private readonly World _world = sandbox.World;
    private readonly Judge _judge = new(sandbox.World);

    [Fact]
    public async Task Bad_handshakes_are_refused()
    {
        var routes = Routes.All.Where(route => route.IsSocket).ToList();

        await Fuzz.RunAsync(150, random =>
        {
            var route = random.Of(routes);
            var request = _judge.Request(route) with { Target = random.Of(route.Path, $"{route.Path}?key={_world.Stranger.Key}", $"{route.Path}?ticket=tkt_x") };
            return _judge.SendAsync(route, BadHttp.Head(request, _world.Stranger.Key, random), isHttp: false);
        });

        await NobodyIsLeftAsync();
        await _judge.StillServesAsync();
    }

    [Fact]
    public async Task Whatever_bytes_come_the_connection_ends()
    {
        var http = new RawHttp(sandbox.Relayer.Url);
        var cases = 0;

        await Fuzz.RunAsync(150, async random =>
        {
            if (++cases % 20 == 0)
            {
                // A key may have so many streams, and one that was broken is open for up to a second.
                await NobodyIsLeftAsync();
            }

            var target = random.Of("/api/v1/stream", $"/ws?key={_world.Stranger.Key}");
            var handshake = RawRequest.Of("GET", target, _world.Stranger.Key).AsHandshake();

            var received = Encoding.Latin1.GetString(await http.FloodAsync([.. handshake.ToBytes(), .. Flood(random)]));

            // What breaks the protocol may be answered with a reset, which takes the rest of the answer with it.
            (received + "HTTP/1.1 101").Should().StartWith("HTTP/1.1 101");
            Judge.Insides.Should().NotContain(inside => received.Contains(inside, StringComparison.Ordinal));
        });

        await NobodyIsLeftAsync();
        await _judge.StillServesAsync();
    }

    private Task NobodyIsLeftAsync() => Eventually.TrueAsync(
        () => Task.FromResult(
            !new[] { _world.Stranger.AgentId, _world.Pair.Requester.AgentId }.Any(sandbox.Relayer.Services.GetRequiredService<LiveConnections>().IsOnline)),
        "no connection is left");

    private static byte[] Flood(Random random)
    {
        var flood = new List<byte>();
        for (var i = random.Next(1, 6); i > 0; i--)
        {
            flood.AddRange(Bytes(random));
        }

        return [.. flood];
    }

    private static byte[] Bytes(Random random)
    {
        var noise = new byte[random.Of(0, 1, 125, 126, 2000, 70_000)];
        random.NextBytes(noise);
        return random.Next(12) switch
        {
            0 => noise,
            1 => Frame(0x81, noise, random),
            2 => Frame(0x82, noise, random),
            3 => Frame(random.Of<byte>(0x00, 0x80), "{}"u8, random), // goes on with nothing
            4 => Frame(random.Of<byte>(0x83, 0x87, 0x8B, 0x8F), noise, random), // opcodes that there are not
            5 => Frame(random.Of<byte>(0xC1, 0xA1, 0x91, 0xF1), "{}"u8, random), // reserved bits
            6 => [0x81, .. noise], // not masked
            7 => [0x81, 0xFF, .. Length(random.Of<ulong>(ulong.MaxValue, long.MaxValue, 1UL << 40)), 1, 2, 3, 4, .. noise],
            8 => Frame(random.Of<byte>(0x09, 0x0A, 0x08), noise, random), // a control frame in fragments, or too long
            9 => Frame(0x88, random.Of<byte[]>([], [1], [0, 0], [0xFF, 0xFF], [3, 0xEC]), random),
            10 => [.. Enumerable.Repeat(Frame(0x89, "x"u8, random), 500).SelectMany(frame => frame)],
            _ => Frame(0x81, BadJson.Of(Subscribe, random), random),
        };
    }

    private static byte[] Frame(byte first, ReadOnlySpan<byte> payload, Random random)
    {
        var mask = new byte[4];
        random.NextBytes(mask);
        byte[] length = payload.Length switch
        {
            < 126 => [(byte)(0x80 | payload.Length)],
            < 65_536 => [0xFE, (byte)(payload.Length >> 8), (byte)payload.Length],
            _ => [0xFF, .. Length((ulong)payload.Length)],
        };
        var frame = new byte[1 + length.Length + 4 + payload.Length];
        frame[0] = first;
        length.CopyTo(frame, 1);
        mask.CopyTo(frame, 1 + length.Length);
        for (var i = 0; i < payload.Length; i++)
        {
            frame[1 + length.Length + 4 + i] = (byte)(payload[i] ^ mask[i % 4]);
        }

        return frame;
    }

    private static byte[] Length(ulong length)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, length);
        return bytes;
    }
}
