using CapVault.Relayer;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Http;
using CapVault.Relayer.Objects;
using CapVault.Sdk;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace CapVault.Tests.Relayer;

public class ObjectLinksTests
{
    private const string ObjectKey = "obj_000000000000000000000";

    [Theory]
    [InlineData(1799, true)]
    [InlineData(1800, true)]
    [InlineData(1801, false)]
    public void CR26_A_link_issued_at_t_is_valid_up_to_t_and_1800_seconds(int later, bool valid)
    {
        var time = new StoppedTime();
        var links = Links(time);
        var request = Follow(links.New(Request("GET"), "GET", ObjectKey).Url, "GET");
        time.Now = time.Now.AddSeconds(later);

        var opening = () => links.Require(request, ObjectKey);

        if (valid)
        {
            opening.Should().NotThrow();
        }
        else
        {
            opening.Should().Throw<ApiException>().Which.Should().BeEquivalentTo(new { Status = 410, Code = ErrorCodes.LinkExpired });
        }
    }

    [Fact]
    public void Another_master_key_makes_other_links()
    {
        var time = new StoppedTime();
        var request = Follow(Links(time, master: '1').New(Request("GET"), "GET", ObjectKey).Url, "GET");

        FluentActions.Invoking(() => Links(time, master: '2').Require(request, ObjectKey)).Should().Throw<ApiException>().Which.Code.Should().Be(ErrorCodes.ObjectNotFound);
    }

    [Theory]
    [InlineData("", "https://asked.example:8443/prefix/api/v1/objects/")]
    [InlineData("https://public.example", "https://public.example/api/v1/objects/")]
    [InlineData("https://public.example/relayer/", "https://public.example/relayer/api/v1/objects/")]
    public void Links_lead_to_the_public_address_or_to_where_the_request_came_to(string publicUrl, string expected) =>
        Links(new StoppedTime(), publicUrl).New(Request("POST"), "PUT", ObjectKey).Url.Should().StartWith(expected + ObjectKey + "?expires=");

    private static ObjectLinks Links(TimeProvider time, string publicUrl = "", char master = '1')
    {
        var options = Options.Create(new RelayerOptions { MasterKey = "0x" + new string(master, 64), PublicUrl = publicUrl });
        return new ObjectLinks(new MasterKey(options), options, time);
    }

    private static HttpRequest Request(string method)
    {
        var request = new DefaultHttpContext().Request;
        (request.Method, request.Scheme, request.Host, request.PathBase) = (method, "https", new HostString("asked.example:8443"), "/prefix");
        return request;
    }

    private static HttpRequest Follow(string url, string method)
    {
        var request = Request(method);
        request.QueryString = new QueryString(new Uri(url).Query);
        return request;
    }

    private sealed class StoppedTime : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch.AddYears(60).AddMilliseconds(700);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
