using CapVault.Relayer.Http;

namespace CapVault.Tests.Relayer;

/// <summary>A budget of requests or frames.</summary>
public sealed class TokenBucketTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void It_allows_a_burst_and_then_what_comes_back()
    {
        var bucket = new TokenBucket(size: 3, perSecond: 2, _time);

        Take(bucket, 5).Should().Be(3);
        bucket.UntilNext.Should().Be(TimeSpan.FromSeconds(0.5));
        bucket.UntilFull.Should().Be(TimeSpan.FromSeconds(1.5));
        _time.Pass(0.49);
        bucket.TryTake().Should().BeFalse("it is not quite there");
        _time.Pass(0.01);
        bucket.TryTake().Should().BeTrue();
        bucket.TryTake().Should().BeFalse();
    }

    [Fact]
    public void It_never_holds_more_than_its_size()
    {
        var bucket = new TokenBucket(size: 3, perSecond: 2, _time);

        Take(bucket, 3);
        _time.Pass(3600);

        bucket.Left.Should().Be(3);
        bucket.UntilFull.Should().Be(TimeSpan.Zero);
        Take(bucket, 5).Should().Be(3);
    }

    [Fact]
    public void To_be_refused_costs_nothing()
    {
        var bucket = new TokenBucket(size: 1, perSecond: 1, _time);

        Take(bucket, 1000);
        _time.Pass(1);

        bucket.TryTake().Should().BeTrue("who knocks too often is not locked out for longer");
    }

    private static int Take(TokenBucket bucket, int times) => Enumerable.Range(0, times).Count(_ => bucket.TryTake());

    private sealed class ManualTime : TimeProvider
    {
        private long _now = 12345;

        public override long TimestampFrequency => 1_000_000;

        public override long GetTimestamp() => _now;

        public void Pass(double seconds) => _now += (long)(seconds * TimestampFrequency);
    }
}
