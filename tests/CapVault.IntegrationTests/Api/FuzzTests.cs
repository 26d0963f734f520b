using System.Net.Sockets;
using System.Text;

namespace CapVault.IntegrationTests;

/// <summary>
/// Whatever comes, over whichever route: never a 5xx, a leak, a hang or an error of another shape; and what is refused leaves nothing behind.
/// How to run more of it: <see cref="Fuzz"/>.
/// </summary>
public sealed class FuzzTests(WorldSandbox sandbox) : IClassFixture<WorldSandbox>
{
    private readonly World _world = sandbox.World;
    private readonly Judge _judge = new(sandbox.World);

    [Fact]
    public async Task Bad_bodies_are_refused()
    {
        var routes = Routes.All.Where(route => route.IsJson).ToList();

        await Fuzz.RunAsync(400, random =>
        {
            var route = random.Of(routes);
            return _judge.SendAsync(route, _judge.Request(route, BadJson.Of(_world.Fill(route.Body!), random)), isHttp: true);
        });

        await _judge.StillServesAsync();
    }

    [Fact]
    public async Task Bad_addresses_are_refused()
    {
        await Fuzz.RunAsync(400, random =>
        {
            var route = random.Of(Routes.All);
            return _judge.SendAsync(route, BadHttp.Target(_judge.Request(route), route.Path, random), isHttp: false);
        });

        await _judge.StillServesAsync();
    }

    [Fact]
    public async Task Bad_headers_and_lengths_are_refused()
    {
        await Fuzz.RunAsync(300, random =>
        {
            var route = random.Of(Routes.All);
            var request = _judge.Request(route);
            request = route.Body is not null && random.OnceIn(3) ? BadHttp.Frame(request, random) : BadHttp.Head(request, _world.Stranger.Key, random);
            return _judge.SendAsync(route, request, isHttp: false);
        });

        await _judge.StillServesAsync();
    }

    [Fact]
    public async Task Bad_uploads_are_refused()
    {
        var route = Routes.All.Single(route => route.Name == "PUT /api/v1/objects/{objectKey}");
        var cases = 0;
        var uploader = _world.Stranger;

        await Fuzz.RunAsync(80, async random =>
        {
            if (++cases % 500 == 0)
            {
                // An agent may have so many.
                uploader = await sandbox.NewAgentAsync("uploader");
            }

            var content = new byte[random.Of(0, 1, 3, 1000, 100_000)];
            random.NextBytes(content);
            var size = random.OnceIn(3) ? (int?)random.Of(0, content.Length, content.Length + 1, 67_108_864) : null;
            var hash = random.OnceIn(3) ? "0x" + new string('0', 64) : null;
            var link = new Uri((await _world.NewUploadAsync(uploader, new { fileName = "a.bin", size, keccak256 = hash })).UploadUrl);
            var request = RawRequest.Of("PUT", link.PathAndQuery, key: null, content, contentType: "application/octet-stream");
            await _judge.SendAsync(
                route,
                random.Next(5) switch
                {
                    0 => BadHttp.Head(request, _world.Stranger.Key, random),
                    1 => BadHttp.Target(request, route.Path, random),
                    _ => BadHttp.Frame(request, random),
                },
                isHttp: false);
        });

        await _judge.StillServesAsync();
    }

    [Fact]
    public async Task Whoever_does_not_finish_a_request_holds_nobody_up()
    {
        var waiting = new List<TcpClient>();
        try
        {
            foreach (var beginning in (string[])["", "GET", "GET /api/v1/config HTTP/1.1\r\nHost: localhost\r\n", "POST /api/v1/orders/negotiate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n"
                + $"X-SDK-Key: {_world.Pair.Requester.Key}\r\n\r\n{{"])
            {
                for (var i = 0; i < 50; i++)
                {
                    var client = new TcpClient();
                    waiting.Add(client);
                    await client.ConnectAsync("127.0.0.1", new Uri(sandbox.Relayer.Url).Port);
                    await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(beginning));
                }
            }

            await _judge.StillServesAsync();
        }
        finally
        {
            waiting.ForEach(client => client.Dispose());
        }
    }
}
