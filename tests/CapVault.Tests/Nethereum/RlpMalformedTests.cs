using Nethereum.Hex.HexConvertors.Extensions;
using Rlp = Nethereum.RLP.RLP;

namespace CapVault.Tests.NethereumApi;

public class RlpMalformedTests
{
    [Theory]
    [InlineData("")] // nothing
    [InlineData("83646f")] // shorter than it says
    [InlineData("8100")] // a small byte behind a prefix
    [InlineData("b801ff")] // a short length in the long form
    [InlineData("b90001ff")] // a length with a leading zero
    [InlineData("bfffffffffffffffff00")] // a length beyond any data
    [InlineData("c0c0")] // something behind the item
    [InlineData("c28364")] // an element that leaves its list
    public void Bytes_that_are_no_canonical_item_are_refused(string encoded) =>
        encoded.HexToByteArray().Invoking(Rlp.Decode).Should().Throw<FormatException>();
}
